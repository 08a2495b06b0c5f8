output "topic_arn" {
  description = "SNS topic of the alarms, for further subscriptions."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarm_names" {
  description = "Names of all alarms."
  value = sort(flatten([for alarms in [
    aws_cloudwatch_metric_alarm.dead_letters, aws_cloudwatch_metric_alarm.oldest_message, aws_cloudwatch_metric_alarm.failed_requests,
    aws_cloudwatch_metric_alarm.failed_invocations, aws_cloudwatch_metric_alarm.p99, aws_cloudwatch_metric_alarm.throttles,
  ] : [for a in alarms : a.alarm_name]]))
}
