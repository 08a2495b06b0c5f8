output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Subnets of functions and cache."
  value       = aws_subnet.private[*].id
}

output "public_subnet_ids" {
  description = "Subnets of the worker; empty without public_subnets."
  value       = aws_subnet.public[*].id
}

output "functions_security_group_id" {
  description = "Security group of the functions."
  value       = aws_security_group.functions.id
}
