variable "name" {
  description = "First part of all names."
  type        = string
}

variable "image_uri" {
  description = "The server's container image, image@sha256:DIGEST; its entry point is pims."
  type        = string

  validation {
    condition     = can(regex("^[^\\s]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]*)$", var.image_uri)) && !endswith(var.image_uri, ":latest")
    error_message = "image_uri is \"${var.image_uri}\": expected NAME@sha256:DIGEST or NAME:VERSION; latest would change under running tasks."
  }
}

variable "repository_arn" {
  description = "ECR repository of the image; null: it is public."
  type        = string
  default     = null

  validation {
    condition     = var.repository_arn == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/.+$", var.repository_arn))
    error_message = "repository_arn is no ARN of an ECR repository."
  }
}

variable "architecture" {
  description = "arm64 or x86_64, as the image."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"${var.architecture}\": expected arm64 or x86_64."
  }
}

variable "worker" {
  description = "Size and environment, as in infra/settings.json."
  type = object({
    queue         = string
    cpu_units     = number
    memory_mb     = number
    ephemeral_gib = number
    command       = list(string)
    environment   = map(string)
  })

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.worker.cpu_units)
    error_message = "worker.cpu_units is ${var.worker.cpu_units}: Fargate has 256, 512, 1024, 2048, 4096, 8192 and 16384."
  }

  validation {
    condition     = var.worker.memory_mb >= 2 * var.worker.cpu_units && var.worker.memory_mb <= 8 * var.worker.cpu_units
    error_message = "worker.memory_mb is ${var.worker.memory_mb}: Fargate wants two to eight times cpu_units (${var.worker.cpu_units})."
  }

  validation {
    condition     = var.worker.ephemeral_gib >= 21 && var.worker.ephemeral_gib <= 200
    error_message = "worker.ephemeral_gib is ${var.worker.ephemeral_gib}: expected 21 to 200; a conversion needs as much as its result."
  }

  validation {
    condition     = contains(keys(var.queues), var.worker.queue)
    error_message = "worker.queue is \"${var.worker.queue}\", which queues does not have."
  }
}

variable "max_tasks" {
  description = "How many tasks run at most. None runs while the queue is empty."
  type        = number
  default     = 2

  validation {
    condition     = var.max_tasks >= 1 && floor(var.max_tasks) == var.max_tasks
    error_message = "max_tasks is ${var.max_tasks}: expected a whole number from 1."
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

variable "queues" {
  description = "The queue module's output."
  type = map(object({
    name = string
    url  = string
    arn  = string
  }))
}

variable "vpc_id" {
  description = "VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks: public ones (the network module's), or private ones with a way to ECR, S3, SQS and CloudWatch Logs."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids is empty."
  }
}

variable "assign_public_ip" {
  description = "Give tasks a public address, without which they reach nothing from a public subnet. Nothing can connect to them."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Further settings of the program (pims config lists them)."
  type        = map(string)
  default     = {}
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "Key of KMS with which the buckets are encrypted; null: S3's own."
  type        = string
  default     = null
}
