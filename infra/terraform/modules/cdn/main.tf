locals {
  # Only what is read by GET goes to the function URL: CloudFront signs its requests, and for a signed POST the client
  # would have to send the SHA-256 of the body. Everything else, and pictures that can be asked for by POST as well, go to
  # the HTTP API.
  tile_paths    = ["/image/*/tile/*", "/image/*/normalized-tile/*", "/image/*_files/*"]
  picture_paths = ["/image/*/thumb*", "/image/*/resized*", "/image/*/associated/*"]

  read_methods = ["GET", "HEAD", "OPTIONS"]
  all_methods  = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

  behaviours = concat(
    [for path in local.tile_paths : { path = path, origin = "tiles", methods = local.read_methods, cache = aws_cloudfront_cache_policy.pictures.id, key = true, compress = false }],
    [for path in local.picture_paths : { path = path, origin = "api", methods = local.all_methods, cache = aws_cloudfront_cache_policy.pictures.id, key = true, compress = false }],
    [{ path = "/assets/*", origin = "api", methods = local.read_methods, cache = data.aws_cloudfront_cache_policy.optimized.id, key = false, compress = true }],
  )
}

data "aws_cloudfront_cache_policy" "optimized" {
  name = "Managed-CachingOptimized"
}

data "aws_cloudfront_cache_policy" "disabled" {
  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "viewer" {
  name = "Managed-AllViewerExceptHostHeader"
}

# How long is the program's to say: a year for addresses with a version (?v=), nothing in between for all others, which
# it calls private.
resource "aws_cloudfront_cache_policy" "pictures" {
  name        = "${var.name}-pictures"
  comment     = "Pictures by address, format, origin of the page and who may see them"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false
    enable_accept_encoding_gzip   = false

    # The function below has left only what counts; a policy itself takes no more than ten names.
    query_strings_config {
      query_string_behavior = "all"
    }

    headers_config {
      header_behavior = "whitelist"

      headers {
        items = concat(["Accept", "Origin", "X-Image-Size-Safety"], var.credentials.headers)
      }
    }

    cookies_config {
      cookie_behavior = length(var.credentials.cookies) > 0 ? "whitelist" : "none"

      dynamic "cookies" {
        for_each = length(var.credentials.cookies) > 0 ? [1] : []

        content {
          items = var.credentials.cookies
        }
      }
    }
  }
}

resource "aws_cloudfront_function" "key" {
  name    = "${var.name}-key"
  comment = "The key of cached pictures"
  runtime = "cloudfront-js-2.0"
  publish = true
  code = templatefile("${path.module}/key.js.tftpl", {
    names = jsonencode(sort(distinct(concat(var.query_parameters, var.credentials.query_parameters))))
  })
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name    = "${var.name}-security"
  comment = "The program sends its own content security policy"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = false
      override                   = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = false
    }
  }
}

resource "aws_cloudfront_origin_access_control" "tiles" {
  name                              = "${var.name}-tiles"
  description                       = "Signs requests to the function URL"
  origin_access_control_origin_type = "lambda"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "this" {
  enabled         = true
  comment         = "${var.name}: whole-slide images"
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = var.price_class
  aliases         = var.domain == null ? [] : var.domain.names
  web_acl_id      = var.web_acl_arn

  origin {
    origin_id                = "tiles"
    domain_name              = var.tiles.url_domain
    origin_access_control_id = aws_cloudfront_origin_access_control.tiles.id

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  origin {
    origin_id   = "api"
    domain_name = var.api_domain

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id           = "api"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = local.all_methods
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = data.aws_cloudfront_cache_policy.disabled.id
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.viewer.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviours

    content {
      path_pattern               = ordered_cache_behavior.value.path
      target_origin_id           = ordered_cache_behavior.value.origin
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ordered_cache_behavior.value.methods
      cached_methods             = ["GET", "HEAD"]
      cache_policy_id            = ordered_cache_behavior.value.cache
      origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.viewer.id
      response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
      compress                   = ordered_cache_behavior.value.compress

      dynamic "function_association" {
        for_each = ordered_cache_behavior.value.key ? [1] : []

        content {
          event_type   = "viewer-request"
          function_arn = aws_cloudfront_function.key.arn
        }
      }
    }
  }

  # A failure that passes must not be kept.
  dynamic "custom_error_response" {
    for_each = [500, 502, 503, 504]

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = var.domain == null ? null : var.domain.certificate_arn
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021" # CloudFront's own name allows nothing else
  }
}

# A call by the URL needs both rights, since October 2025.
resource "aws_lambda_permission" "tiles" {
  for_each = {
    "cloudfront-url"    = { action = "lambda:InvokeFunctionUrl", url_auth_type = "AWS_IAM" }
    "cloudfront-invoke" = { action = "lambda:InvokeFunction", url_auth_type = null }
  }

  statement_id           = each.key
  action                 = each.value.action
  function_name          = var.tiles.function_name
  principal              = "cloudfront.amazonaws.com"
  source_arn             = aws_cloudfront_distribution.this.arn
  function_url_auth_type = each.value.url_auth_type
}
