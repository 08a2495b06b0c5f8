locals {
  tiles   = var.functions["tiles"].name
  classes = ["hit", "passthrough", "render"]

  # Two in a row, each 12 wide and 6 high.
  panels = [
    {
      title   = "Requests and failures"
      stat    = "Sum"
      metrics = concat([for f in local.by_http : [var.metrics_namespace, "Requests", "Function", f.name]], [for f in local.by_http : [var.metrics_namespace, "Failures", "Function", f.name]])
    },
    {
      title = "Time of tiles by what answered, p50 and p99 (ms)"
      stat  = "p99"
      metrics = concat(
        [for class in local.classes : [var.metrics_namespace, "RequestTime", "Function", local.tiles, "Class", class, { stat = "p50", label = "${class} p50" }]],
        [for class in local.classes : [var.metrics_namespace, "RequestTime", "Function", local.tiles, "Class", class, { stat = "p99", label = "${class} p99" }]],
      )
    },
    {
      title   = "Replies from a cache (share)"
      stat    = "Average"
      metrics = [for f in local.by_http : [var.metrics_namespace, "CacheHits", "Function", f.name]]
    },
    {
      title   = "Reads of the store for requests"
      stat    = "Sum"
      metrics = [for f in local.by_http : [var.metrics_namespace, "SourceReads", "Function", f.name]]
    },
    {
      title   = "Concurrency and throttles"
      stat    = "Maximum"
      metrics = concat([for f in var.functions : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", f.name]], [for f in var.functions : ["AWS/Lambda", "Throttles", "FunctionName", f.name, { stat = "Sum" }]])
    },
    {
      title   = "Errors of functions"
      stat    = "Sum"
      metrics = [for f in var.functions : ["AWS/Lambda", "Errors", "FunctionName", f.name]]
    },
    {
      title   = "Imports by how they ended"
      stat    = "Sum"
      metrics = [for state in ["done", "unpacked", "failed"] : [var.metrics_namespace, "Imports", "Function", var.functions["import"].name, "State", state, { label = state }]]
    },
    {
      title   = "Time of the stages of imports, p90 (s)"
      stat    = "p90"
      metrics = [for stage in ["probing", "checking", "registering"] : [var.metrics_namespace, "StageTime", "Function", var.functions["import"].name, "Stage", stage, { label = stage }]]
    },
    {
      title   = "Messages that wait"
      stat    = "Maximum"
      metrics = [for q in var.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q.name]]
    },
    {
      title   = "Dead letters, and age of the oldest message (s)"
      stat    = "Maximum"
      metrics = concat([for q in var.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q.dead_letter_name]], [for q in var.queues : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", q.name, { yAxis = "right" }]])
    },
    {
      title   = "HTTP API: requests, 4xx, 5xx"
      stat    = "Sum"
      metrics = [for m in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", m, "ApiId", var.api_id]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for i, panel in local.panels : {
      type   = "metric"
      x      = i % 2 * 12
      y      = floor(i / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = panel.title
        region  = data.aws_region.current.region
        view    = "timeSeries"
        period  = 300
        stat    = panel.stat
        metrics = panel.metrics
      }
    }]
  })
}
