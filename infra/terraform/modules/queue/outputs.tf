output "queues" {
  description = "Each queue by role: name, url, arn, visibility_seconds, max_receive_count, dead_letter_name, dead_letter_url, dead_letter_arn."
  value = {
    for key, q in aws_sqs_queue.this : key => {
      name               = q.name
      url                = q.url
      arn                = q.arn
      visibility_seconds = var.queues[key].visibility_seconds
      max_receive_count  = var.queues[key].max_receive_count
      dead_letter_name   = aws_sqs_queue.dead[key].name
      dead_letter_url    = aws_sqs_queue.dead[key].url
      dead_letter_arn    = aws_sqs_queue.dead[key].arn
    }
  }
}
