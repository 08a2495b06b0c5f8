"""Lambda functions of LocalStack as processes of this machine, without Docker."""
