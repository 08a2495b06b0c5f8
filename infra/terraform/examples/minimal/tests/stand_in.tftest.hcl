# For the stand-in only: against the real provider an apply makes things.
run "apply" {
  assert {
    condition     = output.uploads == "s3://pims-uploads-123456789012-eu-central-1/in/" && output.slides == "s3://pims-slides-123456789012-eu-central-1/slides"
    error_message = "places are ${output.uploads} and ${output.slides}"
  }
  assert {
    condition     = can(regex("^https://[a-z0-9]+\\.execute-api\\.eu-central-1\\.amazonaws\\.com$", output.url))
    error_message = "the address is ${output.url}"
  }
  assert {
    condition     = keys(output.dead_letter_urls) == ["convert", "import"]
    error_message = "pims dlq needs the addresses of both"
  }
}

run "libvips" {
  variables {
    render_image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pims-function:1.0.0"
  }

  assert {
    condition     = output.render_url == "${output.url}/render"
    error_message = "render is below the API's address, not ${output.render_url}"
  }
}
