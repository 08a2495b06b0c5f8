variable "name" {
  description = "First part of all names."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the cache."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the cache."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids has ${length(var.subnet_ids)}: expected subnets in at least two zones."
  }
}

variable "client_security_group_id" {
  description = "Security group of those who may connect; it gets the rule that lets them out as well."
  type        = string
}

variable "node_type" {
  description = "Size of a node."
  type        = string
  default     = "cache.t4g.micro"

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "node_type is \"${var.node_type}\": expected a type of ElastiCache, such as cache.t4g.micro."
  }
}

variable "nodes" {
  description = "Number of nodes: 1, or more with failover between zones. What is cached can be made again, so 1 is enough for many."
  type        = number
  default     = 1

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6
    error_message = "nodes is ${var.nodes}: expected 1 to 6."
  }
}

variable "auth_token" {
  description = "Password of the cache: 16 to 128 letters, digits and hyphens (openssl rand -hex 32). It is in the state: keep it encrypted."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{16,128}$", var.auth_token))
    error_message = "auth_token must be 16 to 128 letters, digits and hyphens, such as openssl rand -hex 32 prints: it becomes part of a URL."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS for what is stored; null: the service's own."
  type        = string
  default     = null
}
