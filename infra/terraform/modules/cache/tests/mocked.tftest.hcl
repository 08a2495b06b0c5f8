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
  name                     = "pims"
  vpc_id                   = "vpc-0123456789abcdef0"
  subnet_ids               = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_id = "sg-0123456789abcdef0"
  auth_token               = "0123456789abcdef"
}

run "encrypted" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled)
    error_message = "the cache must be encrypted, on the way and where it lies"
  }
  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "one node has nothing to fail over to"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.clients.referenced_security_group_id == "sg-0123456789abcdef0" && aws_vpc_security_group_ingress_rule.clients.from_port == 6379
    error_message = "only the clients may connect"
  }
}

run "two_nodes" {
  command = plan
  variables {
    nodes = 2
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "two nodes are for failover"
  }
}

run "refused" {
  command = plan
  variables {
    auth_token = "0123456789abcdef@/"
    subnet_ids = ["subnet-0123456789abcdef0"]
  }
  expect_failures = [var.auth_token, var.subnet_ids]
}
