variable "name" {
  description = "First part of all names: lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\": expected 3 to 16 lower-case letters, digits and hyphens, a letter first, no hyphen last (bucket names end at 63 characters)."
  }
}

variable "uploads" {
  description = "Bucket and prefix of uploads; further members of infra/settings.json are ignored."
  type = object({
    bucket = string
    prefix = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+/$", var.uploads.prefix))
    error_message = "uploads.prefix is \"${var.uploads.prefix}\": expected a name with / behind it, so that rights can be limited to it."
  }
}

variable "slides" {
  description = "Bucket and prefix of slides."
  type = object({
    bucket = string
    prefix = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+/$", var.slides.prefix))
    error_message = "slides.prefix is \"${var.slides.prefix}\": expected a name with / behind it, so that rights can be limited to it."
  }

  validation {
    condition     = var.slides.bucket != var.uploads.bucket
    error_message = "slides.bucket and uploads.bucket are both \"${var.slides.bucket}\": expected two buckets."
  }
}

variable "results" {
  description = "Prefix, below that of slides, of replies that are too large for a function, and after how many days they are deleted."
  type = object({
    prefix      = string
    expire_days = number
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+/$", var.results.prefix)) && startswith(var.results.prefix, var.slides.prefix) && var.results.prefix != var.slides.prefix
    error_message = "results.prefix is \"${var.results.prefix}\": expected a folder in slides.prefix with / behind it, and not all of it: what lies there is deleted."
  }

  validation {
    condition     = var.results.expire_days >= 1 && floor(var.results.expire_days) == var.results.expire_days
    error_message = "results.expire_days is ${var.results.expire_days}: expected a whole number from 1."
  }
}

variable "abort_multipart_days" {
  description = "After how many days the parts of an upload that was never completed are deleted."
  type        = number
  default     = 7

  validation {
    condition     = var.abort_multipart_days >= 1 && floor(var.abort_multipart_days) == var.abort_multipart_days
    error_message = "abort_multipart_days is ${var.abort_multipart_days}: expected a whole number from 1."
  }
}

variable "allowed_origins" {
  description = "Origins of web pages that may send parts of uploads to the bucket with presigned URLs, such as https://slides.example.org."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for o in var.allowed_origins : can(regex("^(\\*|https://[A-Za-z0-9*.-]+(:[0-9]+)?|http://(localhost|127\\.0\\.0\\.1)(:[0-9]+)?)$", o))])
    error_message = "allowed_origins holds something else than https://HOST[:PORT], http://localhost[:PORT] or *: an origin has no path and no / behind it."
  }
}

variable "versioning" {
  description = "Keep deleted and replaced objects of slides for noncurrent_days. Uploads are never versioned: an import moves them."
  type        = bool
  default     = true
}

variable "noncurrent_days" {
  description = "How long deleted and replaced objects of slides are kept when versioning is on."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days is ${var.noncurrent_days}: expected a whole number from 1."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS that encrypts the objects; null: S3's own keys (SSE-S3)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is no ARN of a key: expected arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias."
  }
}

variable "force_destroy" {
  description = "Let terraform destroy delete buckets that hold objects. For trials only."
  type        = bool
  default     = false
}
