data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  queue = var.queues[var.worker.queue]

  environment = merge(
    var.worker.environment,
    {
      STORE_URL         = var.slides.url
      UPLOADS_URL       = var.uploads.url
      QUEUE_URL         = var.queues["import"].url
      QUEUE_CONVERT_URL = local.queue.url
    },
    var.environment,
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/ecs/${var.name}-worker"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_cluster" "this" {
  name = "${var.name}-worker"

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.name}-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.worker.cpu_units
  memory                   = var.worker.memory_mb
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  ephemeral_storage {
    size_in_gib = var.worker.ephemeral_gib
  }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = upper(var.architecture)
  }

  container_definitions = jsonencode([{
    name        = "worker"
    image       = var.image_uri
    essential   = true
    command     = var.worker.command
    environment = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
    # A conversion that is cut off is done again by another worker; this much it may finish.
    stopTimeout = 120
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this.name
        "awslogs-region"        = data.aws_region.current.region
        "awslogs-stream-prefix" = "worker"
      }
    }
  }])
}

resource "aws_security_group" "this" {
  name        = "${var.name}-worker"
  description = "Worker: out by TLS, nothing comes in"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-worker" }
}

resource "aws_vpc_security_group_egress_rule" "tls" {
  security_group_id = aws_security_group.this.id
  description       = "S3, SQS, registry and logs"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_ecs_service" "this" {
  name            = "${var.name}-worker"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = 0
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"

  # At most one version at a time works; there is nothing to keep serving.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count] # the queue decides
  }

  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution]
}
