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
  name        = "pims"
  bucket_arns = ["arn:aws:s3:::pims-slides"]
}

run "no_way_out" {
  command = plan

  assert {
    condition     = length(aws_subnet.private) == 2 && length(aws_internet_gateway.this) == 0 && length(aws_vpc_endpoint.sqs) == 0
    error_message = "functions have S3 and nothing else"
  }
  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "the gateway endpoint is the one that costs nothing"
  }
}

run "queues_when_needed" {
  command = plan
  variables {
    sqs_queue_arns = ["arn:aws:sqs:eu-central-1:111122223333:pims-import"]
  }

  assert {
    condition     = aws_vpc_endpoint.sqs[0].vpc_endpoint_type == "Interface" && aws_vpc_endpoint.sqs[0].private_dns_enabled
    error_message = "SQS is reached by an interface endpoint under its own name"
  }
}

run "worker_subnets" {
  command = plan
  variables {
    public_subnets = true
    zones          = 3
  }

  assert {
    condition     = length(distinct(concat(aws_subnet.private[*].cidr_block, aws_subnet.public[*].cidr_block))) == 6
    error_message = "subnets must not share addresses"
  }
  assert {
    condition     = alltrue([for s in aws_subnet.public : s.map_public_ip_on_launch != true])
    error_message = "only who asks gets a public address"
  }
}

run "refused" {
  command = plan
  variables {
    cidr        = "10.80.0.0/28"
    zones       = 1
    bucket_arns = []
  }
  expect_failures = [var.cidr, var.zones, var.bucket_arns]
}
