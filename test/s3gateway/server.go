package s3gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// roleVariable makes a test binary the gateway; it holds settings as JSON.
const roleVariable = "PIMS_TEST_S3_GATEWAY"

// settings is what Start tells the process that it starts.
type settings struct {
	Address   string
	Folder    string
	AccessKey string
	SecretKey string
	Region    string
}

// prepared is set by Main, so that Start can say that it is missing.
var prepared bool

// Main runs the tests, or the gateway when this process was started for it. It
// does not return.
func Main(m *testing.M) {
	raw, isGateway := os.LookupEnv(roleVariable)
	if !isGateway {
		prepared = true
		os.Exit(m.Run())
	}
	if err := serve(raw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve runs the gateway until standard input ends, which it does at the latest
// when the test's process does.
func serve(raw string) error {
	var s settings
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return fmt.Errorf("%s: %w", roleVariable, err)
	}
	attributes := meta.XattrMeta{}
	if err := attributes.Test(s.Folder); err != nil {
		return fmt.Errorf("the gateway needs a folder with extended attributes, set TMPDIR to one: %w", err)
	}
	backend, err := posix.New(s.Folder, attributes, posix.PosixOpts{
		ValidateBucketNames: true,
		CopyObjectThreshold: 5 << 30, // as S3
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return embedgw.RunVersityGW(ctx, &atomicReads{Backend: backend}, &embedgw.Config{
		RootUserAccess: s.AccessKey, RootUserSecret: s.SecretKey, Region: s.Region,
		Ports:          []string{s.Address},
		MaxConnections: 4096, MaxRequests: 4096, MultipartMaxParts: 10_000,
		HealthPath: healthPath, KeepAlive: true, Quiet: true,
	})
}
