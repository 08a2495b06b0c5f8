# For the stand-in only: against the real provider an apply makes things.
variables {
  worker_image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pims:1.0.0"
  cache_auth_token = "0123456789abcdef0123456789abcdef"
}

run "apply" {
  assert {
    condition     = can(regex("^https://[a-z0-9]+\\.cloudfront\\.net$", output.url))
    error_message = "the address is ${output.url}"
  }
  assert {
    condition     = startswith(module.cache[0].url, "rediss://:0123456789abcdef0123456789abcdef@")
    error_message = "the cache is reached by TLS, with the password"
  }
}
