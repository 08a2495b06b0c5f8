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
  name = "pims"
  functions = {
    tiles    = { memory_mb = 1024, timeout_seconds = 29, environment = { LOG_FORMAT = "json" } }
    metadata = { memory_mb = 512, timeout_seconds = 29 }
    import   = { memory_mb = 2048, timeout_seconds = 300, queue = "import", batch_size = 4, maximum_concurrency = 10 }
    convert  = { binary = "import", memory_mb = 4096, timeout_seconds = 900, ephemeral_mb = 10240, queue = "convert" }
  }
  slides  = { arn = "arn:aws:s3:::pims-slides", prefix = "slides/", url = "s3://pims-slides/slides" }
  uploads = { arn = "arn:aws:s3:::pims-uploads", prefix = "in/", url = "s3://pims-uploads/in" }
  results = { arn = "arn:aws:s3:::pims-slides", prefix = "slides/results/", url = "s3://pims-slides/slides/results" }
  queues = {
    import  = { url = "https://sqs.example/import", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-import", visibility_seconds = 1800 }
    convert = { url = "https://sqs.example/convert", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-convert", visibility_seconds = 5400 }
    large   = { url = "https://sqs.example/large", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-large", visibility_seconds = 900 }
  }
}

run "packages_queues_environments" {
  command = plan

  assert {
    condition     = keys(aws_lambda_function.zip) == ["convert", "import", "metadata", "tiles"] && alltrue([for f in aws_lambda_function.zip : f.runtime == "provided.al2023" && f.architectures == tolist(["arm64"])])
    error_message = "four functions of packages for arm64"
  }
  assert {
    condition     = endswith(aws_lambda_function.zip["convert"].filename, "/import-arm64.zip")
    error_message = "convert is the import program on another queue"
  }
  assert {
    condition     = local.environment["tiles"] == { LOG_FORMAT = "json", STORE_URL = "s3://pims-slides/slides", UPLOADS_URL = "s3://pims-uploads/in", LAMBDA_RESPONSE = "buffered" }
    error_message = "tiles opens no queue"
  }
  assert {
    condition     = local.environment["import"].QUEUE_CONVERT_URL == "https://sqs.example/convert" && !contains(keys(local.environment["convert"]), "QUEUE_CONVERT_URL")
    error_message = "import leaves conversions to convert, which leaves them to nobody"
  }
  assert {
    condition = { for k, m in aws_lambda_event_source_mapping.this : k => "${m.event_source_arn} ${m.batch_size} ${m.scaling_config[0].maximum_concurrency}" } == {
      import  = "arn:aws:sqs:eu-central-1:111122223333:pims-import 4 10"
      convert = "arn:aws:sqs:eu-central-1:111122223333:pims-convert 1 2"
    }
    error_message = "each function works on its own queue"
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.function_response_types == toset(["ReportBatchItemFailures"])])
    error_message = "without ReportBatchItemFailures one bad message has its whole batch delivered again"
  }
}

run "every_option" {
  command = plan
  variables {
    large_queue          = true
    stream               = ["tiles"]
    image_uris           = { import = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
    environment          = { LOG_FORMAT = "text", LOG_LEVEL = "debug" }
    function_environment = { tiles = { LOG_LEVEL = "warning" } }
  }

  assert {
    condition     = local.environment["convert"].QUEUE_CONVERT_LARGE_URL == "https://sqs.example/large"
    error_message = "convert must know where large conversions go"
  }
  assert {
    condition     = local.environment["tiles"].LOG_LEVEL == "warning" && local.environment["tiles"].LOG_FORMAT == "text" && local.environment["metadata"].LOG_LEVEL == "debug"
    error_message = "the narrower setting wins"
  }
  assert {
    condition     = local.environment["tiles"].LAMBDA_RESPONSE == "stream" && local.environment["metadata"].LAMBDA_RESPONSE == "buffered"
    error_message = "each function replies as its front reads"
  }
  assert {
    condition     = keys(aws_lambda_function.image) == ["import"] && keys(aws_lambda_function.zip) == ["convert", "metadata", "tiles"]
    error_message = "an image in place of the package, not besides it"
  }
  assert {
    condition     = aws_lambda_function.image["import"].image_config[0].command == tolist(["/var/task/import"])
    error_message = "the image has all functions, and must be told which it is"
  }
  assert {
    condition     = aws_lambda_function.image["import"].function_name == "pims-import-image"
    error_message = "zip and image need two names, so that one can follow the other"
  }
}

run "what_needs_libvips_is_passed_on" {
  command = plan
  variables {
    functions = {
      tiles    = { memory_mb = 1024, timeout_seconds = 29 }
      metadata = { memory_mb = 512, timeout_seconds = 29 }
      import   = { memory_mb = 2048, timeout_seconds = 300, queue = "import" }
      render   = { binary = "tiles", memory_mb = 2048, timeout_seconds = 29, environment = { API_BASE_PATH = "/render" } }
    }
    convert_queue = false
    image_uris    = { render = "example.org/pims:1", metadata = "example.org/pims:1" }
    forward_url   = "https://api.example.org/render"
  }

  assert {
    condition     = { for name, e in local.environment : name => e.FORWARD_URL if can(e.FORWARD_URL) } == { tiles = "https://api.example.org/render" }
    error_message = "packages without libvips pass on, and nobody else does"
  }
  assert {
    condition     = aws_lambda_function.image["render"].image_config[0].command == tolist(["/var/task/tiles"]) && local.environment["render"].LAMBDA_RESPONSE == "buffered" && local.environment["render"].API_BASE_PATH == "/render"
    error_message = "render is the tiles program behind a path of the HTTP API"
  }
  assert {
    condition     = local.statements["render"] == local.statements["tiles"]
    error_message = "render may read slides, and write replies that are too large"
  }
}

run "no_libvips_to_pass_on_to" {
  command = plan
  variables {
    functions = {
      tiles    = { memory_mb = 1024, timeout_seconds = 29 }
      metadata = { memory_mb = 512, timeout_seconds = 29 }
      import   = { memory_mb = 2048, timeout_seconds = 300, queue = "import" }
      render   = { binary = "tiles", memory_mb = 2048, timeout_seconds = 29 }
    }
    convert_queue = false
  }
  expect_failures = [var.image_uris]
}

run "no_way_out_of_the_vpc" {
  command = plan
  variables {
    forward_url = "https://api.example.org/render"
    vpc         = { functions = ["tiles"], subnet_ids = ["subnet-0123456789abcdef0"], security_group_ids = ["sg-0123456789abcdef0"] }
  }
  expect_failures = [var.forward_url]
}

run "visibility_too_short" {
  command = plan
  variables {
    queues = {
      import  = { url = "https://sqs.example/import", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-import", visibility_seconds = 1799 }
      convert = { url = "https://sqs.example/convert", arn = "arn:aws:sqs:eu-central-1:111122223333:pims-convert", visibility_seconds = 5400 }
    }
  }
  expect_failures = [var.functions]
}

run "nobody_converts" {
  command = plan
  variables {
    functions = {
      tiles    = { memory_mb = 1024, timeout_seconds = 29 }
      metadata = { memory_mb = 512, timeout_seconds = 29 }
      import   = { memory_mb = 2048, timeout_seconds = 300, queue = "import" }
    }
  }
  expect_failures = [var.convert_queue]
}

run "unknown_function" {
  command = plan
  variables {
    image_uris = { tile = "example:1" }
  }
  expect_failures = [var.image_uris]
}

run "no_package" {
  command = plan
  variables {
    packages_directory = "nowhere"
  }
  expect_failures = [aws_lambda_function.zip]
}
