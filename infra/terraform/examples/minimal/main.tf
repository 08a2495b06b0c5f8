# The least that works: two buckets, queues, four functions, an HTTP API. No VPC, no cache, nothing that costs while
# nobody looks.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "pims"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}

locals {
  settings = jsondecode(file("${path.module}/../../../settings.json"))
  name     = coalesce(var.name, local.settings.name)

  # Only these answer requests; the others know nothing of who may see what.
  by_http = concat(["tiles", "metadata"], local.renders ? ["render"] : [])
  access  = merge({ AUTH = var.auth }, var.auth_settings)
  renders = var.render_image_uri != null
  grants  = var.grant_keys == null ? {} : { GRANT_KEYS = var.grant_keys }
}

module "storage" {
  source = "../../modules/storage"

  name                 = local.name
  uploads              = local.settings.storage.uploads
  slides               = local.settings.storage.slides
  results              = local.settings.storage.results
  abort_multipart_days = local.settings.storage.abort_multipart_days
  allowed_origins      = var.allowed_origins
  force_destroy        = var.force_destroy
}

module "queue" {
  source = "../../modules/queue"

  name   = local.name
  queues = { for key, q in local.settings.queues : key => q if key != "large" } # nobody here would work on it
  uploads = merge(module.storage.uploads, {
    suffix = local.settings.storage.uploads.suffix
    events = local.settings.storage.uploads.events
  })
}

module "functions" {
  source = "../../modules/functions"

  name               = local.name
  functions          = merge(local.settings.functions, local.renders ? { render = local.settings.render } : {})
  image_uris         = local.renders ? { render = var.render_image_uri } : {}
  forward_url        = module.api.render_url
  packages_directory = coalesce(var.packages_directory, "${path.module}/../../../../dist/functions")
  slides             = module.storage.slides
  uploads            = module.storage.uploads
  results            = module.storage.results
  queues             = module.queue.queues
  environment        = var.settings

  function_environment = { for name in local.by_http : name => local.access }
  secrets              = { for name in local.by_http : name => local.grants }
}

module "api" {
  source = "../../modules/api"

  name        = local.name
  functions   = module.functions.functions
  render_path = local.renders ? local.settings.render.environment.API_BASE_PATH : null
}

module "observability" {
  source = "../../modules/observability"

  name      = local.name
  functions = module.functions.functions
  queues    = module.queue.queues
  api_id    = module.api.api_id
  emails    = var.alarm_emails
}
