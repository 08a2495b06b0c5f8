output "url" {
  description = "Address of the service, without / behind it."
  value       = "https://${var.domain == null ? aws_cloudfront_distribution.this.domain_name : var.domain.names[0]}"
}

output "domain_target" {
  description = "What DNS records of the names point to (alias): name and zone."
  value = {
    name    = aws_cloudfront_distribution.this.domain_name
    zone_id = aws_cloudfront_distribution.this.hosted_zone_id
  }
}

output "distribution_id" {
  description = "Id of the distribution, for metrics and invalidations."
  value       = aws_cloudfront_distribution.this.id
}
