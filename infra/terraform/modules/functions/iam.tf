# What each function may do, action by action: README.md says why. The Go test of infra/ holds the roles to it.
locals {
  slides_objects  = "${var.slides.arn}/${var.slides.prefix}*"
  uploads_objects = "${var.uploads.arn}/${var.uploads.prefix}*"
  results_objects = "${var.results.arn}/${var.results.prefix}*"

  read_slides = {
    sid       = "ReadSlides"
    actions   = ["s3:GetObject"]
    resources = [local.slides_objects]
  }
  # Without it S3 answers 403 for what is missing. A condition on s3:prefix would undo that: a GetObject has no prefix.
  find_slides = {
    sid       = "FindSlides"
    actions   = ["s3:ListBucket"]
    resources = [var.slides.arn]
  }
  write_slides = {
    sid       = "WriteSlides"
    actions   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = [local.slides_objects]
  }
  # Whoever signs an address lends its own rights: read_slides lets clients fetch them.
  write_results = {
    sid       = "WriteResults"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [local.results_objects]
  }
  find_uploads = {
    sid       = "FindUploads"
    actions   = ["s3:ListBucket"]
    resources = [var.uploads.arn]
  }
  receive = {
    for name, f in var.functions : name => [{
      sid       = "WorkOnQueue"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
      resources = [var.queues[f.queue].arn]
    }] if f.queue != null
  }

  statements = {
    tiles  = [local.read_slides, local.find_slides, local.write_results]
    render = [local.read_slides, local.find_slides, local.write_results]
    metadata = [
      local.read_slides, local.find_slides, local.write_slides, local.find_uploads,
      {
        sid       = "TakeUploads"
        actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        resources = [local.uploads_objects]
      },
      {
        sid       = "QueueImports"
        actions   = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
        resources = [var.queues["import"].arn]
      },
    ]
    import = concat(
      [
        local.read_slides, local.find_slides, local.write_slides, local.find_uploads,
        {
          sid       = "MoveUploads"
          actions   = ["s3:GetObject", "s3:GetObjectTagging", "s3:DeleteObject"]
          resources = [local.uploads_objects]
        },
        {
          sid       = "KeepTags"
          actions   = ["s3:PutObjectTagging"]
          resources = [local.slides_objects]
        },
        {
          sid       = "QueueMembersOfArchives"
          actions   = ["sqs:SendMessage"]
          resources = [var.queues["import"].arn]
        },
      ],
      var.convert_queue ? [{
        sid       = "QueueConversions"
        actions   = ["sqs:SendMessage"]
        resources = [var.queues["convert"].arn]
      }] : [],
    )
    convert = concat(
      [local.read_slides, local.find_slides, local.write_slides],
      var.large_queue ? [{
        sid       = "QueueLargeConversions"
        actions   = ["sqs:SendMessage"]
        resources = [var.queues["large"].arn]
      }] : [],
    )
  }

  kms_statements = var.kms_key_arn == null ? [] : [{
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }]
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = var.functions

  name               = "${var.name}-${each.key}"
  description        = "What the ${each.key} function may do"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "this" {
  for_each = var.functions

  dynamic "statement" {
    for_each = concat(local.statements[each.key], lookup(local.receive, each.key, []), local.kms_statements)

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this[each.key].arn}:*"]
  }

  # Lambda itself makes the function's network interfaces, by this role; EC2 knows no narrower resource for it
  # before they exist.
  dynamic "statement" {
    for_each = contains(local.in_vpc, each.key) ? [1] : []

    content {
      sid = "NetworkInterfaces"
      actions = [
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
    }
  }

  # The code in the function has no business with them.
  dynamic "statement" {
    for_each = contains(local.in_vpc, each.key) ? [1] : []

    content {
      sid    = "NoNetworkInterfacesForTheCode"
      effect = "Deny"
      actions = [
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]

      condition {
        test     = "ArnEquals"
        variable = "lambda:SourceFunctionArn"
        values   = ["arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:function:${local.names[each.key]}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = var.functions

  name   = "function"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}
