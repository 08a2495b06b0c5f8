output "url" {
  description = "Address of the service."
  value       = module.cdn.url
}

output "domain_target" {
  description = "What the DNS records of domain's names point to."
  value       = module.cdn.domain_target
}

output "api_url" {
  description = "Address of the HTTP API behind the CDN: for clients that ask for tiles by POST."
  value       = module.api.url
}

output "uploads" {
  description = "Put slides here: aws s3 cp slide.svs …"
  value       = "${module.storage.uploads.url}/"
}

output "slides" {
  description = "Where slides lie (STORE_URL)."
  value       = module.storage.slides.url
}

output "render_url" {
  description = "Address of the function with libvips that the others pass on to; null without render_image_uri."
  value       = module.api.render_url
}

output "dead_letter_urls" {
  description = "Queues of what was given up, for pims dlq."
  value       = { for key, q in module.queue.queues : key => q.dead_letter_url }
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}
