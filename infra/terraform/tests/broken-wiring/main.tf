# An installation that must be refused: what is right by itself, but does not fit the rest.
# reasons.txt has what must be said.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

variable "packages_directory" {
  description = "Not used: nothing is made."
  type        = string
  default     = null
}

locals {
  place = { arn = "arn:aws:s3:::example", prefix = "slides/", url = "s3://example/slides" }
  queue = { url = "https://sqs.eu-central-1.amazonaws.com/123456789012/import", arn = "arn:aws:sqs:eu-central-1:123456789012:import" }
}

module "storage" {
  source = "../../modules/storage"

  name    = "pims"
  uploads = { bucket = "one", prefix = "in/" }
  slides  = { bucket = "two", prefix = "slides/" }
  results = { prefix = "slides/", expire_days = 1 }
}

module "functions" {
  source = "../../modules/functions"

  name = "pims"
  functions = {
    tiles    = { memory_mb = 1024, timeout_seconds = 29 }
    metadata = { memory_mb = 1024, timeout_seconds = 29 }
    import   = { memory_mb = 1024, timeout_seconds = 300, queue = "import" }
  }
  packages_directory = "."
  slides             = local.place
  uploads            = local.place
  results            = local.place
  queues             = { import = merge(local.queue, { visibility_seconds = 900 }) }
  convert_queue      = false
}
