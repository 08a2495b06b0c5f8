output "uploads" {
  description = "Bucket of uploads: id, arn, prefix, and url as UPLOADS_URL takes it."
  value = {
    id     = aws_s3_bucket.this["uploads"].id
    arn    = aws_s3_bucket.this["uploads"].arn
    prefix = local.prefixes.uploads
    url    = "s3://${aws_s3_bucket.this["uploads"].id}/${trimsuffix(local.prefixes.uploads, "/")}"
  }
}

output "slides" {
  description = "Bucket of slides: id, arn, prefix, and url as STORE_URL takes it."
  value = {
    id     = aws_s3_bucket.this["slides"].id
    arn    = aws_s3_bucket.this["slides"].arn
    prefix = local.prefixes.slides
    url    = "s3://${aws_s3_bucket.this["slides"].id}/${trimsuffix(local.prefixes.slides, "/")}"
  }
}

output "results" {
  description = "Where replies lie that are too large for a function: id and arn of the bucket, prefix, url."
  value = {
    id     = aws_s3_bucket.this["slides"].id
    arn    = aws_s3_bucket.this["slides"].arn
    prefix = var.results.prefix
    url    = "s3://${aws_s3_bucket.this["slides"].id}/${trimsuffix(var.results.prefix, "/")}"
  }
}
