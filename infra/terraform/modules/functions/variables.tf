variable "name" {
  description = "First part of all names."
  type        = string
}

variable "functions" {
  description = "The functions, as in infra/settings.json: tiles, metadata, import and, where a function converts, convert, and, where there is an image with libvips for what the others cannot, render."
  type = map(object({
    binary                  = optional(string)
    memory_mb               = number
    timeout_seconds         = number
    ephemeral_mb            = optional(number, 512)
    queue                   = optional(string)
    batch_size              = optional(number, 1)
    batching_window_seconds = optional(number, 0)
    maximum_concurrency     = optional(number, 2)
    environment             = optional(map(string), {})
  }))

  validation {
    condition     = length(setsubtract(["tiles", "metadata", "import"], keys(var.functions))) == 0 && length(setsubtract(keys(var.functions), ["tiles", "metadata", "import", "convert", "render"])) == 0
    error_message = "functions has ${join(", ", keys(var.functions))}: expected tiles, metadata, import and, if a function converts, convert, and, if there is an image for it, render."
  }

  validation {
    condition     = alltrue([for f in var.functions : f.memory_mb >= 128 && f.memory_mb <= 10240 && f.timeout_seconds >= 1 && f.timeout_seconds <= 900 && f.ephemeral_mb >= 512 && f.ephemeral_mb <= 10240])
    error_message = "A function is outside Lambda's bounds: memory_mb 128 to 10240, timeout_seconds 1 to 900, ephemeral_mb 512 to 10240."
  }

  validation {
    condition     = alltrue([for f in var.functions : f.queue == null ? true : contains(keys(var.queues), f.queue)])
    error_message = "A function names a queue that is not in queues."
  }

  validation {
    condition     = alltrue([for name, f in var.functions : f.queue == null ? true : try(var.queues[f.queue].visibility_seconds, 0) >= 6 * f.timeout_seconds])
    error_message = "A queue's visibility_seconds is less than six times the timeout_seconds of the function that works on it: a message could be delivered again while it is still worked on."
  }

  validation {
    condition     = alltrue([for f in var.functions : f.maximum_concurrency >= 2 && f.maximum_concurrency <= 1000])
    error_message = "A maximum_concurrency is outside 2 to 1000."
  }
}

variable "architecture" {
  description = "arm64 or x86_64. The packages must be of the same."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"${var.architecture}\": expected arm64 or x86_64."
  }
}

variable "packages_directory" {
  description = "Folder with BINARY-arm64.zip or BINARY-amd64.zip of each function, as make functions leaves them in dist/functions."
  type        = string
}

variable "image_uris" {
  description = "Container images, by function, in place of the zip: image@sha256:DIGEST, so that a deployment is what it says."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.image_uris), keys(var.functions))) == 0
    error_message = "image_uris names a function that there is not: ${join(", ", setsubtract(keys(var.image_uris), keys(var.functions)))}."
  }

  validation {
    condition     = !contains(keys(var.functions), "render") || contains(keys(var.image_uris), "render")
    error_message = "functions has render, but image_uris has no image for it: its package would lack libvips like the others."
  }
}

variable "forward_url" {
  description = "Address of render (FORWARD_URL), the api module's render_url: tiles and metadata pass on to it what needs libvips, unless they are images themselves; null: they answer 501."
  type        = string
  default     = null

  validation {
    condition     = var.forward_url == null || var.vpc == null ? true : length(setsubtract(setintersection(["tiles", "metadata"], var.vpc.functions), keys(var.image_uris))) == 0
    error_message = "tiles or metadata is in a VPC, which has no way to forward_url: give it the image with libvips itself (image_uris)."
  }
}

variable "slides" {
  description = "Where slides lie: the storage module's output."
  type = object({
    arn    = string
    prefix = string
    url    = string
  })
}

variable "uploads" {
  description = "Where uploads arrive: the storage module's output."
  type = object({
    arn    = string
    prefix = string
    url    = string
  })
}

variable "results" {
  description = "Where replies lie that are too large for a function: the storage module's output."
  type = object({
    arn    = string
    prefix = string
    url    = string
  })
}

variable "queues" {
  description = "The queue module's output."
  type = map(object({
    url                = string
    arn                = string
    visibility_seconds = number
  }))
}

variable "convert_queue" {
  description = "Send conversions to the convert queue, where the convert function takes them. Else the import function converts itself, within its time."
  type        = bool
  default     = true

  validation {
    condition     = !var.convert_queue || (contains(keys(var.queues), "convert") && contains(keys(var.functions), "convert"))
    error_message = "convert_queue is true, but there is no \"convert\" in queues and functions: nobody would convert."
  }
}

variable "large_queue" {
  description = "Send conversions that are beyond the convert function to the large queue, where the worker takes them. Else they fail, and the slide's report says why."
  type        = bool
  default     = false

  validation {
    condition     = !var.large_queue || contains(keys(var.queues), "large")
    error_message = "large_queue is true, but queues has no \"large\"."
  }
}

variable "stream" {
  description = "Functions whose replies are streamed (tiles behind a function URL with RESPONSE_STREAM). They cannot answer an HTTP API."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.stream, ["tiles", "metadata"])) == 0
    error_message = "stream holds something else than tiles and metadata."
  }
}

variable "environment" {
  description = "Further settings of the program for all functions (pims config lists them)."
  type        = map(string)
  default     = {}
}

variable "function_environment" {
  description = "Further settings by function; they win over all others."
  type        = map(map(string))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.function_environment), keys(var.functions))) == 0
    error_message = "function_environment names a function that there is not: ${join(", ", setsubtract(keys(var.function_environment), keys(var.functions)))}."
  }
}

variable "secrets" {
  description = "Settings that are secrets (CACHE_URL with a token, WEBHOOK_SECRET …), by function; not shown in plans. They are in the state: keep it encrypted."
  type        = map(map(string))
  default     = {}
  sensitive   = true
}

variable "vpc" {
  description = "Subnets and security groups of the functions that need the cache, and which these are; null: none is in a VPC. tiles only, unless the VPC has a way to SQS."
  type = object({
    functions          = set(string)
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "reserved_concurrency" {
  description = "Concurrency kept for, and bounding, a function, by function; the others share what the account has."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for n in values(var.reserved_concurrency) : n >= 1])
    error_message = "A reserved_concurrency is below 1, which would switch the function off."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}: CloudWatch takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 and some years."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS with which the buckets are encrypted; null: S3's own."
  type        = string
  default     = null
}
