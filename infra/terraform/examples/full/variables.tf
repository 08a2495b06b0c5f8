variable "region" {
  description = "Region of AWS."
  type        = string
  default     = "eu-central-1"
}

variable "environment" {
  description = "Name of this installation among others (a tag): test, production …"
  type        = string
  default     = "production"
}

variable "name" {
  description = "First part of all names; null: that of infra/settings.json. Two installations in one account and Region need two."
  type        = string
  default     = null
}

variable "packages_directory" {
  description = "Folder with the functions' packages, as make functions leaves them; null: dist/functions of this tree."
  type        = string
  default     = null
}

variable "import_image_uri" {
  description = "Function image with libvips, in ECR, for import and convert; null: their packages without it."
  type        = string
  default     = null
}

variable "render_image_uri" {
  description = "Function image with libvips, in ECR, to which metadata passes on what needs it (JPEG 2000, WebP), and tiles as well or, with a cache, which tiles then is itself; null: they answer 501."
  type        = string
  default     = null
}

variable "worker_image_uri" {
  description = "Server image, in ECR, for the worker."
  type        = string
}

variable "worker_repository_arn" {
  description = "ECR repository of the worker's image; null: it is public."
  type        = string
  default     = null
}

variable "cache_auth_token" {
  description = "Password of the cache, such as openssl rand -hex 32 prints; null: no cache, and tiles is in no VPC."
  type        = string
  default     = null
  sensitive   = true
}

variable "domain" {
  description = "Names of the service and their certificate, which lies in us-east-1; null: CloudFront's own name."
  type = object({
    names           = list(string)
    certificate_arn = string
  })
  default = null
}

variable "web_acl_arn" {
  description = "Web ACL of WAF for the CDN; null: none."
  type        = string
  default     = null
}

variable "allowed_origins" {
  description = "Origins of web pages that may upload straight to the bucket, besides the service's own."
  type        = list(string)
  default     = []
}

variable "trigger" {
  description = "How the uploads bucket tells of new slides: s3 or eventbridge."
  type        = string
  default     = "s3"
}

variable "kms_key_arn" {
  description = "Key of KMS for the buckets; null: S3's own."
  type        = string
  default     = null
}

variable "auth" {
  description = "Who may use the service (AUTH): none (everybody who learns the address), jwt, signed, or jwt,signed."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "jwt", "signed", "jwt,signed"], var.auth)
    error_message = "auth is \"${var.auth}\": expected none, jwt, signed or jwt,signed."
  }

  validation {
    condition     = var.auth != "jwt"
    error_message = "auth is jwt: expected signed or jwt,signed. CloudFront puts its own signature where tokens are, so that tiles are reached by grants only."
  }
}

variable "auth_settings" {
  description = "JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE and others of AUTH, for the functions that answer requests."
  type        = map(string)
  default     = {}
}

variable "grant_keys" {
  description = "Secrets that sign grants (GRANT_KEYS), id:secret pairs; null: none. They are in the state: keep it encrypted."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = !strcontains(var.auth, "signed") || var.grant_keys != null
    error_message = "auth says signed, but there are no grant_keys: expected id:secret pairs, each secret of 32 characters or more (openssl rand -hex 32)."
  }
}

variable "settings" {
  description = "Further settings of the program for all functions and the worker (pims config lists them)."
  type        = map(string)
  default     = {}
}

variable "tiles_concurrency" {
  description = "Concurrency kept for, and bounding, tiles; null: what the account has."
  type        = number
  default     = null
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to."
  type        = list(string)
  default     = []
}
