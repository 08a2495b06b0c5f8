// Package cloud_test runs the whole service without a cloud: the real functions
// under the Lambda emulator, a real S3 server, and SQS in the test's process.
// Uploads come at once, events twice and in any order, and processes are killed
// in the middle of their work.
package cloud_test

import (
	"testing"

	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }
