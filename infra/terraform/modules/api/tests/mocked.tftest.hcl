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
    tiles    = { name = "pims-tiles", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-tiles", invoke_arn = "arn:aws:apigateway:tiles", timeout_seconds = 29 }
    metadata = { name = "pims-metadata", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-metadata", invoke_arn = "arn:aws:apigateway:metadata", timeout_seconds = 29 }
  }
}

run "routes" {
  command = plan

  assert {
    condition     = local.routes["$default"] == "metadata" && local.routes["GET /image/{id}/{name}/tile/{tile+}"] == "tiles"
    error_message = "tiles answers tiles, metadata everything else"
  }
  assert {
    condition     = length(aws_apigatewayv2_api.this.cors_configuration) == 0
    error_message = "the program answers CORS: twice the header is an error to browsers"
  }
  assert {
    condition     = alltrue([for name in ["headers", "query", "authorizer", "cookie"] : !strcontains(lower(aws_apigatewayv2_stage.default.access_log_settings[0].format), name)])
    error_message = "no credentials in access logs"
  }
  assert {
    condition     = aws_apigatewayv2_stage.default.default_route_settings[0].throttling_rate_limit == 500
    error_message = "requests must be throttled"
  }
  assert {
    condition     = length(aws_lambda_function_url.tiles) == 0 && output.tiles_url_domain == null
    error_message = "no function URL unless asked"
  }
}

run "streamed_tiles" {
  command = plan
  variables {
    stream_tiles = true
  }

  assert {
    condition     = keys(local.routes) == ["$default"]
    error_message = "a function that streams cannot answer an HTTP API"
  }
  assert {
    condition     = aws_lambda_function_url.tiles[0].authorization_type == "AWS_IAM" && aws_lambda_function_url.tiles[0].invoke_mode == "RESPONSE_STREAM"
    error_message = "the function URL is for the CDN alone"
  }
}

run "own_domain" {
  command = plan
  variables {
    domain = { name = "slides.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = aws_apigatewayv2_api.this.disable_execute_api_endpoint && output.url == "https://slides.example.org" && output.domain == "slides.example.org"
    error_message = "with a domain of its own the API has no second address"
  }
}

run "render" {
  command = plan
  variables {
    functions = {
      tiles    = { name = "pims-tiles", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-tiles", invoke_arn = "arn:aws:apigateway:tiles", timeout_seconds = 29 }
      metadata = { name = "pims-metadata", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-metadata", invoke_arn = "arn:aws:apigateway:metadata", timeout_seconds = 29 }
      render   = { name = "pims-render-image", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-render-image", invoke_arn = "arn:aws:apigateway:render", timeout_seconds = 29 }
    }
    render_path  = "/render"
    stream_tiles = true
    domain       = { name = "slides.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = local.routes["ANY /render/{path+}"] == "render" && output.render_url == "https://slides.example.org/render"
    error_message = "what is passed on reaches render, by an address that the API has"
  }
  assert {
    condition     = aws_lambda_permission.api["render"].function_name == "pims-render-image"
    error_message = "the API may invoke it"
  }
}

run "nobody_renders" {
  command = plan
  variables {
    render_path = "/render"
  }
  expect_failures = [aws_apigatewayv2_integration.this]
}

run "too_slow" {
  command = plan
  variables {
    functions = {
      tiles    = { name = "pims-tiles", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-tiles", invoke_arn = "arn:aws:apigateway:tiles", timeout_seconds = 31 }
      metadata = { name = "pims-metadata", arn = "arn:aws:lambda:eu-central-1:111122223333:function:pims-metadata", invoke_arn = "arn:aws:apigateway:metadata", timeout_seconds = 29 }
    }
  }
  expect_failures = [var.functions]
}
