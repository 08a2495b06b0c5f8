variable "name" {
  description = "First part of all names."
  type        = string
}

variable "queues" {
  description = "Queues by role, as in infra/settings.json: import is filled by the uploads bucket; each has a queue of dead letters."
  type = map(object({
    name                          = string
    dead_letter_name              = string
    visibility_seconds            = number
    max_receive_count             = number
    retention_seconds             = number
    dead_letter_retention_seconds = number
  }))

  validation {
    condition     = contains(keys(var.queues), "import")
    error_message = "queues has no \"import\": the uploads bucket sends its events there."
  }

  validation {
    condition     = alltrue([for q in var.queues : q.visibility_seconds >= 30 && q.visibility_seconds <= 43200])
    error_message = "A visibility_seconds is outside 30 to 43200."
  }

  validation {
    condition     = alltrue([for q in var.queues : q.max_receive_count >= 1 && q.max_receive_count <= 1000])
    error_message = "A max_receive_count is outside 1 to 1000."
  }

  validation {
    condition     = alltrue([for q in var.queues : q.retention_seconds >= 60 && q.dead_letter_retention_seconds <= 1209600 && q.dead_letter_retention_seconds >= q.retention_seconds])
    error_message = "Expected 60 <= retention_seconds <= dead_letter_retention_seconds <= 1209600: a dead letter's age counts from when it was first sent."
  }
}

variable "uploads" {
  description = "The bucket whose new objects are imported: id, arn, and which keys and events count."
  type = object({
    id     = string
    arn    = string
    prefix = string
    suffix = optional(string, "")
    events = optional(list(string), ["s3:ObjectCreated:*"])
  })

  validation {
    condition     = alltrue([for e in var.uploads.events : startswith(e, "s3:ObjectCreated:")])
    error_message = "uploads.events holds another event than s3:ObjectCreated:…: only new objects are imported."
  }
}

variable "trigger" {
  description = "How the bucket tells of new objects: s3 (notification straight to the queue) or eventbridge (through the account's event bus, where others may listen as well)."
  type        = string
  default     = "s3"

  validation {
    condition     = contains(["s3", "eventbridge"], var.trigger)
    error_message = "trigger is \"${var.trigger}\": expected s3 or eventbridge."
  }
}
