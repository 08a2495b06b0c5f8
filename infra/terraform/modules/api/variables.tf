variable "name" {
  description = "First part of all names."
  type        = string
}

variable "functions" {
  description = "The functions module's output: tiles and metadata answer requests, and render what they pass on."
  type = map(object({
    name            = string
    arn             = string
    invoke_arn      = string
    timeout_seconds = number
  }))

  validation {
    condition     = contains(keys(var.functions), "tiles") && contains(keys(var.functions), "metadata")
    error_message = "functions must hold tiles and metadata."
  }

  validation {
    condition     = alltrue([for name in ["tiles", "metadata", "render"] : try(var.functions[name].timeout_seconds, 0) <= 30])
    error_message = "tiles, metadata or render has a timeout_seconds above 30: an HTTP API waits no longer, and the function would work for nobody."
  }
}

variable "stream_tiles" {
  description = "Give tiles a function URL with response streaming, for a CDN that signs its requests (the cdn module), and no routes of the HTTP API. The function must stream (stream = [\"tiles\"] of the functions module)."
  type        = bool
  default     = false
}

variable "render_path" {
  description = "Path below which the function render answers what the others pass on to it: its API_BASE_PATH, such as /render; null: there is none."
  type        = string
  default     = null

  validation {
    condition     = var.render_path == null || can(regex("^/[a-z][a-z0-9-]*$", var.render_path))
    error_message = "render_path is not / and one lower-case word, such as /render."
  }
}

variable "throttle" {
  description = "Requests a second and the burst that the HTTP API lets through; beyond it answers 429."
  type = object({
    rate  = number
    burst = number
  })
  default = { rate = 500, burst = 1000 }

  validation {
    condition     = var.throttle.rate >= 1 && var.throttle.burst >= 1
    error_message = "throttle is below 1: nothing would be answered."
  }
}

variable "domain" {
  description = "Domain of the HTTP API with its certificate in this Region; null: the API's own address only."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null
}

variable "log_retention_days" {
  description = "How long access logs are kept."
  type        = number
  default     = 30
}
