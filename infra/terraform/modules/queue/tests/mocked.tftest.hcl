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
  name    = "pims"
  uploads = { id = "pims-uploads", arn = "arn:aws:s3:::pims-uploads", prefix = "in/", suffix = ".svs" }
  queues = {
    import = {
      name              = "import", dead_letter_name = "import-dead", visibility_seconds = 1800, max_receive_count = 5
      retention_seconds = 345600, dead_letter_retention_seconds = 1209600
    }
  }
}

run "notification" {
  command = plan

  assert {
    condition     = [for q in aws_s3_bucket_notification.uploads.queue : "${q.filter_prefix}|${q.filter_suffix}|${join(",", q.events)}"] == ["in/|.svs|s3:ObjectCreated:*"]
    error_message = "new objects below the prefix, and no others, must be told of"
  }
  assert {
    condition     = !aws_s3_bucket_notification.uploads.eventbridge && length(aws_cloudwatch_event_rule.uploads) == 0
    error_message = "one way of telling is enough"
  }
  assert {
    condition     = aws_sqs_queue.this["import"].sqs_managed_sse_enabled && aws_sqs_queue.dead["import"].sqs_managed_sse_enabled
    error_message = "queues must be encrypted"
  }
  assert {
    condition     = aws_sqs_queue.this["import"].visibility_timeout_seconds == 1800 && aws_sqs_queue.dead["import"].message_retention_seconds == 1209600
    error_message = "times must be those that were given"
  }
}

run "event_bus" {
  command = plan
  variables {
    trigger = "eventbridge"
  }

  assert {
    condition     = aws_s3_bucket_notification.uploads.eventbridge && length(aws_s3_bucket_notification.uploads.queue) == 0
    error_message = "with both ways each slide would be told of twice"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.uploads[0].event_pattern).detail == { bucket = { name = ["pims-uploads"] }, object = { key = [{ wildcard = "in/*.svs" }] } }
    error_message = "the rule must match the same keys as the notification"
  }
}

run "refused" {
  command = plan
  variables {
    trigger = "sns"
    queues = {
      import = {
        name              = "import", dead_letter_name = "import-dead", visibility_seconds = 1800, max_receive_count = 5
        retention_seconds = 345600, dead_letter_retention_seconds = 3600
      }
    }
  }
  expect_failures = [var.trigger, var.queues]
}
