locals {
  # Every route is in both functions, so that what is not listed here is slower at worst, never wrong.
  tile_routes = [
    "GET /image/{id}/{name}/tile/{tile+}",
    "GET /image/{id}/{name}/normalized-tile/{tile+}",
    "GET /image/{id}/{files}/{level}/{tile}", # Deep Zoom
  ]
  routes = merge(
    { "$default" = "metadata" },
    var.stream_tiles ? {} : { for route in local.tile_routes : route => "tiles" },
    var.render_path == null ? {} : { "ANY ${var.render_path}/{path+}" = "render" },
  )
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "Whole-slide images"
  protocol_type = "HTTP"

  # No cors_configuration: the program answers CORS itself, and the API would replace its answers.
  disable_execute_api_endpoint = var.domain != null
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  # Neither query nor headers: grants and tokens are in them.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      requestId = "$context.requestId"
      ip        = "$context.identity.sourceIp"
      time      = "$context.requestTime"
      method    = "$context.httpMethod"
      path      = "$context.path"
      route     = "$context.routeKey"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      ms        = "$context.responseLatency"
      error     = "$context.integrationErrorMessage"
    })
  }

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = toset(distinct(values(local.routes)))

  api_id                 = aws_apigatewayv2_api.this.id
  description            = each.key
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = var.functions[each.key].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000

  # No validation of render_path: the functions are told render_url, which would then wait for the functions.
  lifecycle {
    precondition {
      condition     = contains(keys(var.functions), each.key)
      error_message = "render_path is set, but functions has no render to answer there."
    }
  }
}

resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
}

resource "aws_lambda_permission" "api" {
  for_each = aws_apigatewayv2_integration.this

  statement_id  = "http-api"
  action        = "lambda:InvokeFunction"
  function_name = var.functions[each.key].name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*"
}

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count = var.domain == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.default.id
}

# Only for who signs his requests: a public function URL would need lambda:InvokeFunction for everybody, which the
# provider cannot yet limit to calls by the URL.
resource "aws_lambda_function_url" "tiles" {
  count = var.stream_tiles ? 1 : 0

  function_name      = var.functions["tiles"].name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}
