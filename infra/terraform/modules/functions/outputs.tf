output "functions" {
  description = "Each function: name, arn, invoke_arn, timeout_seconds and queue."
  value = {
    for name, f in local.made : name => {
      name            = f.function_name
      arn             = f.arn
      invoke_arn      = f.invoke_arn
      timeout_seconds = f.timeout
      queue           = var.functions[name].queue
    }
  }
}

output "role_names" {
  description = "Role of each function, for rights that this module does not give."
  value       = { for name, r in aws_iam_role.this : name => r.name }
}

output "log_group_names" {
  description = "Log group of each function."
  value       = { for name, g in aws_cloudwatch_log_group.this : name => g.name }
}
