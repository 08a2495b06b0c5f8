mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}" }
  }
}

variables {
  name    = "pims"
  uploads = { bucket = "uploads", prefix = "in/" }
  slides  = { bucket = "slides", prefix = "slides/" }
  results = { prefix = "slides/results/", expire_days = 1 }
}

run "private_and_ours" {
  command = plan

  assert {
    condition     = { for k, b in aws_s3_bucket.this : k => b.bucket } == { uploads = "pims-uploads-111122223333-eu-central-1", slides = "pims-slides-111122223333-eu-central-1" }
    error_message = "names of buckets must hold account and Region"
  }
  assert {
    condition = length(aws_s3_bucket_public_access_block.this) == 2 && alltrue([
      for b in aws_s3_bucket_public_access_block.this : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets
    ])
    error_message = "every bucket must be closed to the public in all four ways"
  }
  assert {
    condition     = alltrue([for b in aws_s3_bucket.this : !b.force_destroy])
    error_message = "destroy must not delete slides unless asked"
  }
  assert {
    condition     = alltrue([for o in aws_s3_bucket_ownership_controls.this : o.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "ACLs must be off"
  }

  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.uploads.rule : r.abort_incomplete_multipart_upload[0].days_after_initiation] == [7]
    error_message = "parts of uploads that were never completed must go; uploads must stay"
  }
  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.slides.rule : r.id] == ["abort-incomplete-uploads", "expire-results", "expire-noncurrent"]
    error_message = "nothing but results, and what was deleted, may expire"
  }
  assert {
    condition = alltrue([for r in aws_s3_bucket_lifecycle_configuration.slides.rule :
    r.filter[0].prefix == "slides/results/" && r.expiration[0].days == 1 if r.id == "expire-results"])
    error_message = "results must expire, and slides must not"
  }
  assert {
    condition     = length(aws_s3_bucket_cors_configuration.uploads) == 0
    error_message = "no page may upload that was not named"
  }
}

run "no_versions" {
  command = plan
  variables {
    versioning = false
  }

  assert {
    condition     = aws_s3_bucket_versioning.slides.versioning_configuration[0].status == "Suspended"
    error_message = "versioning is a choice"
  }
  assert {
    condition     = !contains([for r in aws_s3_bucket_lifecycle_configuration.slides.rule : r.id], "expire-noncurrent")
    error_message = "without versions there are no old ones to expire"
  }
}

run "uploads_from_a_page" {
  command = plan
  variables {
    allowed_origins = ["https://slides.example.org"]
  }

  assert {
    condition = alltrue([for r in aws_s3_bucket_cors_configuration.uploads[0].cors_rule :
    r.allowed_methods == toset(["PUT"]) && r.allowed_origins == toset(["https://slides.example.org"]) && contains(r.expose_headers, "ETag")])
    error_message = "a page sends parts by PUT and must see their ETags"
  }
}

run "own_key" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = alltrue([for e in aws_s3_bucket_server_side_encryption_configuration.this : alltrue([for r in e.rule : r.bucket_key_enabled])])
    error_message = "with a key of KMS each range read would cost a request without a bucket key"
  }
}

run "refused" {
  command = plan
  variables {
    name                 = "pims-"
    results              = { prefix = "slides/", expire_days = 1 }
    kms_key_arn          = "alias/slides"
    abort_multipart_days = 0
    noncurrent_days      = 0.5
  }
  expect_failures = [var.name, var.results, var.kms_key_arn, var.abort_multipart_days, var.noncurrent_days]
}
