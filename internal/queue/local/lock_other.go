//go:build !unix

package local

import (
	"os"

	"github.com/pims-cloud/pims/fault"
)

// lock fails: without a lock that dies with its process two services could
// write one journal.
func lock(dir string) (*os.File, error) {
	return nil, fault.New(fault.Unsupported, "queue-lock-unsupported",
		"the journaled import queue in %s needs a Unix system; set QUEUE_URL to an SQS queue", dir)
}
