variable "region" {
  description = "Region of AWS."
  type        = string
  default     = "eu-central-1"
}

variable "environment" {
  description = "Name of this installation among others (a tag): test, production …"
  type        = string
  default     = "test"
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

variable "render_image_uri" {
  description = "Function image with libvips, in ECR, to which tiles and metadata pass on what needs it (JPEG 2000, WebP); null: they answer 501."
  type        = string
  default     = null
}

variable "allowed_origins" {
  description = "Origins of web pages that may upload straight to the bucket, such as https://slides.example.org. The service's own page is one of them: its address is the output url."
  type        = list(string)
  default     = []
}

variable "auth" {
  description = "Who may use the service (AUTH): none (everybody who learns the address), jwt, signed, or jwt,signed."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "jwt", "signed", "jwt,signed"], var.auth)
    error_message = "auth is \"${var.auth}\": expected none, jwt, signed or jwt,signed."
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
  description = "Further settings of the program for all functions (pims config lists them)."
  type        = map(string)
  default     = {}
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to."
  type        = list(string)
  default     = []
}

variable "force_destroy" {
  description = "Let terraform destroy delete the slides as well. For trials only."
  type        = bool
  default     = false
}
