// Package objectstore_test holds the S3 driver to the contract of all stores,
// against a real S3 server.
package objectstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
	"github.com/pims-cloud/pims/internal/objectstore/storetest"
	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }

func TestConformance(t *testing.T) {
	gw := s3gateway.Start(t)
	var buckets atomic.Int64
	// With a prefix and without; with copies in one request and in parts.
	for name, config := range map[string]s3.Config{
		"bucket":           {},
		"prefix and parts": {Prefix: "some/präfix +1/", PartBytes: 5 << 20, CopyBytes: 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) objectstore.Driver {
				config.Bucket = fmt.Sprintf("bucket-%d", buckets.Add(1))
				gw.Bucket(t, config.Bucket)
				return gw.Driver(t, config)
			})
		})
	}
}
