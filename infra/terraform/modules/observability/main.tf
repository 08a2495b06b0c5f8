data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  by_http  = { for key, f in var.functions : key => f if f.queue == null }
  by_queue = { for key, f in var.functions : key => f if f.queue != null }
  actions  = [aws_sns_topic.alarms.arn]
}

# Not encrypted with the account's own key: CloudWatch may not use it, and alarms say nothing of patients.
resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

data "aws_iam_policy_document" "alarms" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = var.queues

  alarm_name          = "${var.name}-${each.key}-dead-letters"
  alarm_description   = "Messages were given up. pims dlq list shows them, pims dlq redrive sends them again."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.dead_letter_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = { for key, q in var.queues : key => q if contains(keys(var.oldest_message_seconds), key) }

  alarm_name          = "${var.name}-${each.key}-oldest-message"
  alarm_description   = "A message has waited for more than ${var.oldest_message_seconds[each.key]} s: is anybody working on the queue?"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.oldest_message_seconds[each.key]
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

# Of an HTTP function Lambda counts only what crashed; a reply with a status of 500 or more the program counts itself.
resource "aws_cloudwatch_metric_alarm" "failed_requests" {
  for_each = local.by_http

  alarm_name          = "${var.name}-${each.key}-errors"
  alarm_description   = "More than ${var.error_percent} % of requests failed (status 500 or more, crashes, time over)."
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "percent"
    expression  = "100 * (FILL(errors, 0) + FILL(failures, 0)) / invocations"
    label       = "failed requests, %"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      invocations = { namespace = "AWS/Lambda", name = "Invocations", dimension = "FunctionName" }
      errors      = { namespace = "AWS/Lambda", name = "Errors", dimension = "FunctionName" }
      failures    = { namespace = var.metrics_namespace, name = "Failures", dimension = "Function" }
    }

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = { (metric_query.value.dimension) = each.value.name }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "failed_invocations" {
  for_each = local.by_queue

  alarm_name          = "${var.name}-${each.key}-errors"
  alarm_description   = "More than ${var.error_percent} % of invocations crashed or ran out of time. Slides that cannot be imported are no errors."
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "percent"
    expression  = "100 * FILL(errors, 0) / invocations"
    label       = "failed invocations, %"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { invocations = "Invocations", errors = "Errors" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = { FunctionName = each.value.name }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "p99" {
  for_each = var.p99_ms

  alarm_name          = "${var.name}-${each.key}-p99"
  alarm_description   = "One in a hundred requests took longer than ${each.value} ms."
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = var.functions[each.key].name }
  extended_statistic  = "p99"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value
  treat_missing_data  = "notBreaching"
  # Of a few requests one is always the slowest.
  evaluate_low_sample_count_percentiles = "ignore"
  alarm_actions                         = local.actions
  ok_actions                            = local.actions
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = local.by_http

  alarm_name          = "${var.name}-${each.key}-throttles"
  alarm_description   = "Lambda refused requests: the function's, or the account's, concurrency is used up. (Of functions on queues it only delays messages: oldest-message tells.)"
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.value.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
