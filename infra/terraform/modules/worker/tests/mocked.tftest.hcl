mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}" }
  }
}

variables {
  name       = "pims"
  image_uri  = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims:1.0.0"
  worker     = { queue = "large", cpu_units = 4096, memory_mb = 8192, ephemeral_gib = 100, command = ["worker", "--queues", "convert"], environment = {} }
  slides     = { arn = "arn:aws:s3:::pims-slides", prefix = "slides/", url = "s3://pims-slides/slides" }
  uploads    = { arn = "arn:aws:s3:::pims-uploads", prefix = "in/", url = "s3://pims-uploads/in" }
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0"]
  queues = {
    import = { name = "pims-import", url = "https://sqs.example/import", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-import" }
    large  = { name = "pims-large", url = "https://sqs.example/large", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-large" }
  }
}

run "nothing_runs" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.desired_count == 0 && aws_appautoscaling_target.this.min_capacity == 0 && aws_appautoscaling_target.this.max_capacity == 2
    error_message = "without conversions no task may run"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.waiting.dimensions == tomap({ QueueName = "pims-large" }) && aws_cloudwatch_metric_alarm.idle.treat_missing_data == "breaching"
    error_message = "the depth of its queue decides; no metrics mean an idle queue"
  }
}

run "environment" {
  command = plan

  assert {
    condition     = local.environment.QUEUE_CONVERT_URL == "https://sqs.example/large" && local.environment.QUEUE_URL == "https://sqs.example/import"
    error_message = "the large queue is the worker's convert queue"
  }
}

run "refused" {
  command = plan
  variables {
    image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims:latest"
    worker    = { queue = "large", cpu_units = 3000, memory_mb = 8192, ephemeral_gib = 100, command = [], environment = {} }
  }
  expect_failures = [var.image_uri, var.worker]
}
