variable "name" {
  description = "First part of all names."
  type        = string
}

variable "tiles" {
  description = "The tiles function and the host of its function URL (outputs of the functions and api modules)."
  type = object({
    function_name = string
    url_domain    = string
  })
}

variable "api_domain" {
  description = "Host of the HTTP API (output of the api module)."
  type        = string
}

variable "query_parameters" {
  description = "Query parameters that pictures depend on, as in infra/settings.json. All others are dropped before the cache is asked, so that nobody fills it with copies."
  type        = list(string)

  validation {
    condition     = length(var.query_parameters) > 0 && alltrue([for p in var.query_parameters : can(regex("^[A-Za-z0-9_-]+$", p))])
    error_message = "query_parameters is empty or holds a name with other characters than letters, digits, _ and -."
  }
}

variable "credentials" {
  description = "Query parameters, cookies and headers that carry a grant or token. They become part of the cache's key: a picture from the cache is given only to who shows what it was fetched with. Empty only if everybody may see everything (AUTH=none)."
  type = object({
    query_parameters = optional(list(string), [])
    cookies          = optional(list(string), [])
    headers          = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = alltrue([for p in var.credentials.query_parameters : can(regex("^[A-Za-z0-9_-]+$", p))])
    error_message = "credentials.query_parameters holds a name with other characters than letters, digits, _ and -."
  }

  validation {
    condition     = length(var.credentials.headers) <= 7 && length(var.credentials.cookies) <= 10
    error_message = "credentials has more than 7 headers or 10 cookies: a cache policy takes ten of each, and three headers are ours."
  }
}

variable "domain" {
  description = "Names of the distribution and their certificate, in us-east-1 whatever the Region; null: CloudFront's own name only."
  type = object({
    names           = list(string)
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws[a-z-]*:acm:us-east-1:", var.domain.certificate_arn)) && length(var.domain.names) > 0
    error_message = "domain needs at least one name and a certificate of us-east-1: CloudFront takes no other."
  }
}

variable "web_acl_arn" {
  description = "Web ACL of WAF, of scope CLOUDFRONT (in us-east-1), such as one with a rate limit; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.web_acl_arn == null ? true : can(regex("^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/", var.web_acl_arn))
    error_message = "web_acl_arn is no web ACL of scope CLOUDFRONT: expected arn:aws:wafv2:us-east-1:ACCOUNT:global/webacl/…"
  }
}

variable "price_class" {
  description = "Where the edges are: PriceClass_100 (Europe, North America), PriceClass_200 or PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class is \"${var.price_class}\": expected PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}
