data "aws_caller_identity" "current" {}

resource "aws_sqs_queue" "dead" {
  for_each = var.queues

  name                      = "${var.name}-${each.value.dead_letter_name}"
  message_retention_seconds = each.value.dead_letter_retention_seconds
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "this" {
  for_each = var.queues

  name                       = "${var.name}-${each.value.name}"
  visibility_timeout_seconds = each.value.visibility_seconds
  message_retention_seconds  = each.value.retention_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = each.value.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each = aws_sqs_queue.dead

  queue_url = each.value.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = merge(
    { for key, q in aws_sqs_queue.this : key => q.arn },
    { for key, q in aws_sqs_queue.dead : "${key}-dead" => q.arn },
  )

  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "import" ? [1] : []

    content {
      sid       = "NewUploads"
      actions   = ["sqs:SendMessage"]
      resources = [each.value]

      principals {
        type        = "Service"
        identifiers = [var.trigger == "s3" ? "s3.amazonaws.com" : "events.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [var.trigger == "s3" ? var.uploads.arn : aws_cloudwatch_event_rule.uploads[0].arn]
      }

      # The ARN of a bucket names no account, and a bucket's name can be taken by another once it is deleted.
      dynamic "condition" {
        for_each = var.trigger == "s3" ? [1] : []

        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [data.aws_caller_identity.current.account_id]
        }
      }
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  for_each = aws_sqs_queue.this

  queue_url = each.value.id
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_sqs_queue_policy" "dead" {
  for_each = aws_sqs_queue.dead

  queue_url = each.value.id
  policy    = data.aws_iam_policy_document.queue["${each.key}-dead"].json
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket      = var.uploads.id
  eventbridge = var.trigger == "eventbridge"

  dynamic "queue" {
    for_each = var.trigger == "s3" ? [1] : []

    content {
      id            = "import"
      queue_arn     = aws_sqs_queue.this["import"].arn
      events        = var.uploads.events
      filter_prefix = var.uploads.prefix
      filter_suffix = var.uploads.suffix == "" ? null : var.uploads.suffix
    }
  }

  # S3 tries to send when it is told where to.
  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_cloudwatch_event_rule" "uploads" {
  count = var.trigger == "eventbridge" ? 1 : 0

  name        = "${var.name}-uploads"
  description = "New objects in the uploads bucket"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.uploads.id] }
      object = { key = [var.uploads.suffix == "" ? { prefix = var.uploads.prefix } : { wildcard = "${var.uploads.prefix}*${var.uploads.suffix}" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "import" {
  count = var.trigger == "eventbridge" ? 1 : 0

  rule      = aws_cloudwatch_event_rule.uploads[0].name
  target_id = "import"
  arn       = aws_sqs_queue.this["import"].arn

  depends_on = [aws_sqs_queue_policy.this]
}
