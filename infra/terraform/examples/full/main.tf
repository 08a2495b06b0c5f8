# Everything: CloudFront before a streaming function URL and an HTTP API, a cache in a VPC without NAT, and a worker for
# large conversions that runs only while there are any.
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
  cached  = nonsensitive(var.cache_auth_token != null)
}

module "storage" {
  source = "../../modules/storage"

  name                 = local.name
  uploads              = local.settings.storage.uploads
  slides               = local.settings.storage.slides
  results              = local.settings.storage.results
  abort_multipart_days = local.settings.storage.abort_multipart_days
  allowed_origins      = concat(var.domain == null ? [] : [for n in var.domain.names : "https://${n}"], var.allowed_origins)
  kms_key_arn          = var.kms_key_arn
}

module "queue" {
  source = "../../modules/queue"

  name    = local.name
  queues  = local.settings.queues
  trigger = var.trigger
  uploads = merge(module.storage.uploads, {
    suffix = local.settings.storage.uploads.suffix
    events = local.settings.storage.uploads.events
  })
}

module "network" {
  source = "../../modules/network"

  name           = local.name
  bucket_arns    = [module.storage.slides.arn] # tiles needs no other
  public_subnets = true                        # of the worker
}

module "cache" {
  source = "../../modules/cache"
  count  = local.cached ? 1 : 0

  name                     = local.name
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.private_subnet_ids
  client_security_group_id = module.network.functions_security_group_id
  auth_token               = var.cache_auth_token
}

module "functions" {
  source = "../../modules/functions"

  name               = local.name
  functions          = merge(local.settings.functions, local.renders ? { render = local.settings.render } : {})
  packages_directory = coalesce(var.packages_directory, "${path.module}/../../../../dist/functions")
  forward_url        = module.api.render_url
  image_uris = merge(
    var.import_image_uri == null ? {} : { import = var.import_image_uri, convert = var.import_image_uri },
    local.renders ? { render = var.render_image_uri } : {},
    local.renders && local.cached ? { tiles = var.render_image_uri } : {}, # from the VPC there is no way to render
  )
  slides               = module.storage.slides
  uploads              = module.storage.uploads
  results              = module.storage.results
  queues               = module.queue.queues
  large_queue          = true
  stream               = ["tiles"]
  environment          = var.settings
  function_environment = { for name in local.by_http : name => local.access }
  secrets = merge({ for name in local.by_http : name => local.grants }, {
    tiles = merge(local.grants, local.cached ? { CACHE_URL = module.cache[0].url } : {})
  })
  reserved_concurrency = var.tiles_concurrency == null ? {} : { tiles = var.tiles_concurrency }
  kms_key_arn          = var.kms_key_arn

  # For the cache only.
  vpc = local.cached ? {
    functions          = ["tiles"]
    subnet_ids         = module.network.private_subnet_ids
    security_group_ids = [module.network.functions_security_group_id]
  } : null
}

module "worker" {
  source = "../../modules/worker"

  name           = local.name
  image_uri      = var.worker_image_uri
  repository_arn = var.worker_repository_arn
  worker         = local.settings.worker
  slides         = module.storage.slides
  uploads        = module.storage.uploads
  queues         = module.queue.queues
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.public_subnet_ids
  environment    = var.settings
  kms_key_arn    = var.kms_key_arn
}

module "api" {
  source = "../../modules/api"

  name         = local.name
  functions    = module.functions.functions
  stream_tiles = true
  render_path  = local.renders ? local.settings.render.environment.API_BASE_PATH : null
}

module "cdn" {
  source = "../../modules/cdn"

  name             = local.name
  api_domain       = module.api.domain
  query_parameters = local.settings.cdn.query_parameters
  credentials      = local.settings.cdn.credentials
  domain           = var.domain
  web_acl_arn      = var.web_acl_arn

  tiles = {
    function_name = module.functions.functions["tiles"].name
    url_domain    = module.api.tiles_url_domain
  }
}

module "observability" {
  source = "../../modules/observability"

  name      = local.name
  functions = module.functions.functions
  queues    = module.queue.queues
  api_id    = module.api.api_id
  emails    = var.alarm_emails
}
