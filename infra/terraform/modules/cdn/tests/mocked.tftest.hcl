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
  name             = "pims"
  tiles            = { function_name = "pims-tiles", url_domain = "example.lambda-url.eu-central-1.on.aws" }
  api_domain       = "example.execute-api.eu-central-1.amazonaws.com"
  query_parameters = ["v", "channels"]
}

run "origins" {
  command = plan

  assert {
    condition = alltrue([for b in aws_cloudfront_distribution.this.ordered_cache_behavior :
    b.target_origin_id == "api" || toset(b.allowed_methods) == toset(["GET", "HEAD", "OPTIONS"])])
    error_message = "a signed origin takes no bodies: only GET may go to the function URL"
  }
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id == "api"
    error_message = "what is not listed goes to the HTTP API"
  }
  assert {
    condition     = aws_cloudfront_origin_access_control.tiles.signing_behavior == "always" && aws_cloudfront_origin_access_control.tiles.origin_access_control_origin_type == "lambda"
    error_message = "requests to the function URL must be signed"
  }
}

run "key" {
  command = plan

  assert {
    condition     = strcontains(aws_cloudfront_function.key.code, "var names = [\"channels\",\"v\"];")
    error_message = "the function must keep the parameters, sorted: ${aws_cloudfront_function.key.code}"
  }
  assert {
    condition     = aws_cloudfront_cache_policy.pictures.max_ttl == 31536000 && aws_cloudfront_cache_policy.pictures.min_ttl == 0
    error_message = "how long is the program's to say, up to a year"
  }
}

run "credentials_are_part_of_the_key" {
  command = plan
  variables {
    credentials = { query_parameters = ["grant"], cookies = ["grant"], headers = ["Authorization"] }
  }

  assert {
    condition     = strcontains(aws_cloudfront_function.key.code, "\"grant\"")
    error_message = "a grant in the query must reach the program"
  }
  assert {
    condition = (
      contains(aws_cloudfront_cache_policy.pictures.parameters_in_cache_key_and_forwarded_to_origin[0].cookies_config[0].cookies[0].items, "grant") &&
      contains(aws_cloudfront_cache_policy.pictures.parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers[0].items, "Authorization")
    )
    error_message = "a picture from the cache must be given only to who shows the same credentials"
  }
}

run "refused" {
  command = plan
  variables {
    domain      = { names = ["slides.example.org"], certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000" }
    web_acl_arn = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/x/y"
  }
  expect_failures = [var.domain, var.web_acl_arn]
}
