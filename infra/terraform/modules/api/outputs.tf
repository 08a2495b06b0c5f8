output "url" {
  description = "Address of the HTTP API, without / behind it."
  value       = var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"
}

# Of the API alone, not of its routes: the functions are told it, and are what the routes lead to.
output "render_url" {
  description = "Address of render, for forward_url of the functions module; null without render_path."
  value       = var.render_path == null ? null : "${var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"}${var.render_path}"
}

output "domain" {
  description = "Host of that address: an origin of a CDN."
  value       = var.domain == null ? replace(aws_apigatewayv2_api.this.api_endpoint, "https://", "") : var.domain.name
}

output "domain_target" {
  description = "What the DNS record of domain points to: name and zone; null without one."
  value = var.domain == null ? null : {
    name    = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
    zone_id = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].hosted_zone_id
  }
}

output "api_id" {
  description = "Id of the HTTP API, for metrics."
  value       = aws_apigatewayv2_api.this.id
}

output "tiles_url_domain" {
  description = "Host of the function URL of tiles; null without stream_tiles."
  value       = var.stream_tiles ? trimsuffix(trimprefix(aws_lambda_function_url.tiles[0].function_url, "https://"), "/") : null
}
