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
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
}

variables {
  worker_image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims:1.0.0"
  cache_auth_token = "0123456789abcdef0123456789abcdef"
}

run "plan" {
  command = plan

  assert {
    condition     = keys(module.queue.queues) == ["convert", "import", "large"]
    error_message = "the worker has a queue of its own"
  }
  assert {
    condition     = module.worker.service_name == "pims-worker"
    error_message = "a worker for large conversions"
  }
}

run "no_cache" {
  command = plan
  variables {
    cache_auth_token = null
    auth             = "signed"
    grant_keys       = "one:0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = length(module.cache) == 0
    error_message = "the cache is a choice"
  }
}

run "libvips" {
  command = plan
  variables {
    render_image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims-function:1.0.0"
  }

  assert {
    condition     = module.functions.functions["tiles"].name == "pims-tiles-image" && module.functions.functions["metadata"].name == "pims-metadata"
    error_message = "tiles has no way out of the VPC and must have libvips itself; metadata passes on"
  }
}

run "libvips_without_cache" {
  command = plan
  variables {
    render_image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims-function:1.0.0"
    cache_auth_token = null
  }

  assert {
    condition     = module.functions.functions["tiles"].name == "pims-tiles" && module.functions.functions["render"].name == "pims-render-image"
    error_message = "without a VPC tiles passes on as well"
  }
}

run "tokens_do_not_reach_tiles" {
  command = plan
  variables {
    auth = "jwt"
  }
  expect_failures = [var.auth]
}

run "nobody_signs" {
  command = plan
  variables {
    auth = "jwt,signed"
  }
  expect_failures = [var.grant_keys]
}
