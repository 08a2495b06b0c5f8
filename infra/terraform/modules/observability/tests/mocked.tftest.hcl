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
  name   = "pims"
  api_id = "abcdef"
  functions = {
    tiles    = { name = "pims-tiles", timeout_seconds = 29 }
    metadata = { name = "pims-metadata", timeout_seconds = 29 }
    import   = { name = "pims-import", timeout_seconds = 300, queue = "import" }
  }
  queues = {
    import = { name = "pims-import", dead_letter_name = "pims-import-dead" }
  }
}

run "alarms" {
  command = plan

  assert {
    condition = output.alarm_names == tolist([
      "pims-import-dead-letters", "pims-import-errors", "pims-import-oldest-message",
      "pims-metadata-errors", "pims-metadata-p99", "pims-metadata-throttles",
      "pims-tiles-errors", "pims-tiles-p99", "pims-tiles-throttles",
    ])
    error_message = "alarms are ${join(", ", output.alarm_names)}"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters["import"].dimensions == tomap({ QueueName = "pims-import-dead" })
    error_message = "the queue of dead letters must be watched, not the other"
  }
}

run "dashboard" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 11
    error_message = "one dashboard with eleven panels"
  }
}

run "refused" {
  command = plan
  variables {
    emails = ["operator"]
    p99_ms = { tile = 100 }
  }
  expect_failures = [var.emails, var.p99_ms]
}
