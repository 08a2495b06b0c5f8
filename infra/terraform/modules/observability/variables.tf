variable "name" {
  description = "First part of all names."
  type        = string
}

variable "functions" {
  description = "The functions module's output: name and timeout_seconds of each function, and the queue that it works on."
  type = map(object({
    name            = string
    timeout_seconds = number
    queue           = optional(string)
  }))
}

variable "queues" {
  description = "The queue module's output: name and dead_letter_name of each queue."
  type = map(object({
    name             = string
    dead_letter_name = string
  }))
}

variable "api_id" {
  description = "Id of the HTTP API, for the dashboard."
  type        = string
}

variable "metrics_namespace" {
  description = "METRICS_NAMESPACE of the program: where its own metrics are."
  type        = string
  default     = "PIMS"
}

variable "emails" {
  description = "Addresses that alarms are sent to; each gets a mail to confirm."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for e in var.emails : can(regex("^[^@\\s]+@[^@\\s]+$", e))])
    error_message = "emails holds something that is no address."
  }
}

variable "error_percent" {
  description = "Alarm when more than this share of requests, or of invocations on a queue, fails in five minutes."
  type        = number
  default     = 1

  validation {
    condition     = var.error_percent > 0 && var.error_percent < 100
    error_message = "error_percent is ${var.error_percent}: expected more than 0 and less than 100."
  }
}

variable "p99_ms" {
  description = "Alarm when one in a hundred requests takes longer, by function, in milliseconds."
  type        = map(number)
  default     = { tiles = 1000, metadata = 3000 }

  validation {
    condition     = length(setsubtract(keys(var.p99_ms), keys(var.functions))) == 0
    error_message = "p99_ms names a function that there is not."
  }
}

variable "oldest_message_seconds" {
  description = "Alarm when a message has waited longer than this, by queue: nobody works on it, or not fast enough."
  type        = map(number)
  default     = { import = 900, convert = 21600, large = 43200 }
}
