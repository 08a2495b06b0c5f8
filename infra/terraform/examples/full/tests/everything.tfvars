# Every option at once, for the tests.
worker_image_uri      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pims:1.0.0"
worker_repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/pims"
import_image_uri      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pims-function@sha256:0000000000000000000000000000000000000000000000000000000000000000"
render_image_uri      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pims-function@sha256:0000000000000000000000000000000000000000000000000000000000000000"
cache_auth_token      = "0123456789abcdef0123456789abcdef"
web_acl_arn           = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/pims/00000000-0000-0000-0000-000000000000"
kms_key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
trigger               = "eventbridge"
tiles_concurrency     = 200
allowed_origins       = ["http://localhost:8080"]
auth                  = "jwt,signed"
grant_keys            = "one:0123456789abcdef0123456789abcdef"
alarm_emails          = ["operator@example.org"]

domain = {
  names           = ["slides.example.org"]
  certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
}

auth_settings = {
  JWT_JWKS_URL = "https://issuer.example.org/.well-known/jwks.json"
  JWT_ISSUER   = "https://issuer.example.org"
  JWT_AUDIENCE = "pims"
}
