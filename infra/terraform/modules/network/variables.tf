variable "name" {
  description = "First part of all names."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC: a block of /16 to /24."
  type        = string
  default     = "10.80.0.0/20"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "cidr is \"${var.cidr}\": expected an IPv4 block of /16 to /24, such as 10.80.0.0/20."
  }
}

variable "zones" {
  description = "In how many availability zones."
  type        = number
  default     = 2

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones is ${var.zones}: expected 2 or 3."
  }
}

variable "bucket_arns" {
  description = "The buckets that can be reached through the S3 endpoint: no other, whatever a role may do."
  type        = list(string)

  validation {
    condition     = length(var.bucket_arns) > 0
    error_message = "bucket_arns is empty: nothing could be reached."
  }
}

variable "sqs_queue_arns" {
  description = "Queues that must be reached from the private subnets. With any, an interface endpoint of SQS is made, which costs by the hour and zone; tiles needs none."
  type        = list(string)
  default     = []
}

variable "public_subnets" {
  description = "Make public subnets as well, for the worker: it fetches its image through the internet gateway and takes no connections."
  type        = bool
  default     = false
}
