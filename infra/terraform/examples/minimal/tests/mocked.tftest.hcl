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

run "plan" {
  command = plan

  assert {
    condition     = module.functions.functions["tiles"].name == "pims-tiles" && module.queue.queues["import"].name == "pims-import"
    error_message = "names come from infra/settings.json"
  }
  assert {
    condition     = keys(module.queue.queues) == ["convert", "import"]
    error_message = "no queue that nobody works on"
  }
}

run "libvips" {
  command = plan
  variables {
    render_image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims-function:1.0.0"
    auth             = "signed"
    grant_keys       = "one:0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = module.functions.functions["render"].name == "pims-render-image" && module.functions.functions["tiles"].name == "pims-tiles"
    error_message = "a function of the image besides the packages"
  }
}

run "second_installation" {
  command = plan
  variables {
    name = "pims-two"
  }

  assert {
    condition     = alltrue([for f in module.functions.functions : startswith(f.name, "pims-two-")])
    error_message = "all names must begin with the installation's"
  }
}
