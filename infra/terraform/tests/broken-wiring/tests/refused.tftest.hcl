# This must fail: scripts/test-infra.sh compares why with reasons.txt.
run "refused" {
  command = plan
}
