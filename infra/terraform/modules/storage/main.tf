data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  prefixes = { uploads = var.uploads.prefix, slides = var.slides.prefix }
  # Names of buckets are shared with the whole world: account and Region make them ours.
  names = {
    for key, name in { uploads = var.uploads.bucket, slides = var.slides.bucket } :
    key => "${var.name}-${name}-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.region}"
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.names

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    # One data key serves many objects: without it each range read would be a request to KMS.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "slides" {
  bucket = aws_s3_bucket.this["slides"].id

  versioning_configuration {
    status = var.versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "uploads" {
  bucket = aws_s3_bucket.this["uploads"].id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_days
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "slides" {
  bucket = aws_s3_bucket.this["slides"].id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_days
    }
  }

  rule {
    id     = "expire-results"
    status = "Enabled"

    filter {
      prefix = var.results.prefix
    }

    expiration {
      days = var.results.expire_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  dynamic "rule" {
    for_each = var.versioning ? [1] : []

    content {
      id     = "expire-noncurrent"
      status = "Enabled"

      filter {
        prefix = var.slides.prefix
      }

      expiration {
        expired_object_delete_marker = true
      }

      noncurrent_version_expiration {
        noncurrent_days = var.noncurrent_days
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.slides]
}

# Browsers send the parts of an upload with presigned URLs, and must see each part's ETag to complete it.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  count = length(var.allowed_origins) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this["uploads"].id

  cors_rule {
    id              = "multipart-uploads"
    allowed_methods = ["PUT"]
    allowed_origins = var.allowed_origins
    allowed_headers = ["content-type", "content-md5", "x-amz-*"]
    expose_headers  = ["ETag", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme"]
    max_age_seconds = 3600
  }
}

# Browsers follow a reply that was too large for a function to a presigned URL, and may read ranges. Any origin: after a
# redirect to another host a browser says "null", and who has a presigned URL needs no more.
resource "aws_s3_bucket_cors_configuration" "slides" {
  bucket = aws_s3_bucket.this["slides"].id

  cors_rule {
    id              = "range-reads"
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = ["*"]
    allowed_headers = ["range", "if-match", "if-none-match", "accept"]
    expose_headers  = ["ETag", "Content-Length", "Content-Range", "Accept-Ranges"]
    max_age_seconds = 3600
  }
}

data "aws_iam_policy_document" "tls_only" {
  for_each = aws_s3_bucket.this

  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = data.aws_iam_policy_document.tls_only[each.key].json

  # A policy that came first could be refused as public while the block is being set.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
