data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  in_vpc  = var.vpc == null ? toset([]) : var.vpc.functions
  zips    = { for name, f in var.functions : name => "${var.packages_directory}/${coalesce(f.binary, name)}-${var.architecture == "arm64" ? "arm64" : "amd64"}.zip" if !contains(keys(var.image_uris), name) }
  names   = { for name in keys(var.functions) : name => "${var.name}-${name}${contains(keys(var.image_uris), name) ? "-image" : ""}" }
  made    = merge(aws_lambda_function.zip, aws_lambda_function.image)
  by_http = ["tiles", "metadata", "render"]
  # What has libvips itself needs nobody for it.
  forwarding = var.forward_url == null ? toset([]) : setsubtract(["tiles", "metadata"], keys(var.image_uris))

  places = {
    STORE_URL   = var.slides.url
    UPLOADS_URL = var.uploads.url
  }
  # What only some functions are told. tiles opens no queue. convert has no convert queue to leave to others what it
  # cannot do: that goes to the large queue, or fails with a report.
  wiring = {
    tiles    = {}
    render   = {}
    metadata = { QUEUE_URL = var.queues["import"].url }
    import = merge(
      { QUEUE_URL = var.queues["import"].url },
      var.convert_queue ? { QUEUE_CONVERT_URL = var.queues["convert"].url } : {},
    )
    convert = merge(
      { QUEUE_URL = try(var.queues["convert"].url, "") },
      var.large_queue ? { QUEUE_CONVERT_LARGE_URL = var.queues["large"].url } : {},
    )
  }
  environment = {
    for name, f in var.functions : name => merge(
      local.places,
      contains(local.by_http, name) ? { LAMBDA_RESPONSE = contains(var.stream, name) ? "stream" : "buffered" } : {},
      contains(local.forwarding, name) ? { FORWARD_URL = var.forward_url } : {},
      f.environment, local.wiring[name], var.environment, lookup(var.function_environment, name, {}),
    )
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = var.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
}

# Zips and images are two resources: a function cannot change from one to the other, and by its other name the new one
# is there before the old one goes. Apart from the package both say the same.
resource "aws_lambda_function" "zip" {
  for_each = local.zips

  function_name = local.names[each.key]
  description   = "Whole-slide images: ${each.key}"
  role          = aws_iam_role.this[each.key].arn
  architectures = [var.architecture]
  memory_size   = var.functions[each.key].memory_mb
  timeout       = var.functions[each.key].timeout_seconds

  package_type     = "Zip"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  filename         = each.value
  source_code_hash = try(filebase64sha256(each.value), null)

  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, -1)

  environment {
    variables = merge(local.environment[each.key], lookup(var.secrets, each.key, {}))
  }

  ephemeral_storage {
    size = var.functions[each.key].ephemeral_mb
  }

  logging_config {
    log_format = "Text" # the program writes JSON itself, metrics among it
    log_group  = aws_cloudwatch_log_group.this[each.key].name
  }

  dynamic "vpc_config" {
    for_each = contains(local.in_vpc, each.key) ? [var.vpc] : []

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(each.value)
      error_message = "There is no ${each.value}: run make functions, or name the folder of the packages in packages_directory."
    }
  }

  # Lambda would make a log group of its own, without retention; and a function in a VPC needs its rights first.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_lambda_function" "image" {
  for_each = var.image_uris

  function_name = local.names[each.key]
  description   = "Whole-slide images: ${each.key}"
  role          = aws_iam_role.this[each.key].arn
  architectures = [var.architecture]
  memory_size   = var.functions[each.key].memory_mb
  timeout       = var.functions[each.key].timeout_seconds

  package_type = "Image"
  image_uri    = each.value

  # The image has all functions (docker/Dockerfile, target function).
  image_config {
    command = ["/var/task/${coalesce(var.functions[each.key].binary, each.key)}"]
  }

  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, -1)

  environment {
    variables = merge(local.environment[each.key], lookup(var.secrets, each.key, {}))
  }

  ephemeral_storage {
    size = var.functions[each.key].ephemeral_mb
  }

  logging_config {
    log_format = "Text" # the program writes JSON itself, metrics among it
    log_group  = aws_cloudwatch_log_group.this[each.key].name
  }

  dynamic "vpc_config" {
    for_each = contains(local.in_vpc, each.key) ? [var.vpc] : []

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = { for name, f in var.functions : name => f if f.queue != null }

  function_name                      = local.made[each.key].arn
  event_source_arn                   = var.queues[each.value.queue].arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = each.value.maximum_concurrency
  }
}
