# An installation that must be refused: each mistake is one that AWS would take, or tell only after half of it was made.
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

  name            = "Pims"
  uploads         = { bucket = "one", prefix = "in/" }
  slides          = { bucket = "two", prefix = "slides/" }
  results         = { prefix = "slides/results/", expire_days = 1 }
  allowed_origins = ["https://slides.example.org/"]
}

module "queue" {
  source = "../../modules/queue"

  name    = "pims"
  trigger = "sns"
  uploads = { id = "one", arn = "arn:aws:s3:::one", prefix = "in/", events = ["s3:ObjectRemoved:*"] }
  queues = {
    import = {
      name              = "import", dead_letter_name = "import-dead", visibility_seconds = 1800, max_receive_count = 5
      retention_seconds = 345600, dead_letter_retention_seconds = 3600
    }
  }
}

module "api" {
  source = "../../modules/api"

  name = "pims"
  functions = {
    tiles    = { name = "tiles", arn = "arn:aws:lambda:eu-central-1:123456789012:function:tiles", invoke_arn = "", timeout_seconds = 60 }
    metadata = { name = "metadata", arn = "arn:aws:lambda:eu-central-1:123456789012:function:metadata", invoke_arn = "", timeout_seconds = 29 }
  }
}

module "cdn" {
  source = "../../modules/cdn"

  name             = "pims"
  tiles            = { function_name = "tiles", url_domain = "example.lambda-url.eu-central-1.on.aws" }
  api_domain       = "example.execute-api.eu-central-1.amazonaws.com"
  query_parameters = ["v"]
  domain           = { names = ["slides.example.org"], certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/example" }
}

module "cache" {
  source = "../../modules/cache"

  name                     = "pims"
  vpc_id                   = "vpc-0123456789abcdef0"
  subnet_ids               = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_id = "sg-0123456789abcdef0"
  auth_token               = "short"
}

module "worker" {
  source = "../../modules/worker"

  name       = "pims"
  image_uri  = "registry.example.org/pims:latest"
  worker     = { queue = "import", cpu_units = 4096, memory_mb = 4096, ephemeral_gib = 100, command = ["worker"], environment = {} }
  slides     = local.place
  uploads    = local.place
  queues     = { import = merge(local.queue, { name = "import" }) }
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0"]
}
