package s3gateway

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
	"github.com/pims-cloud/pims/test/process"
)

const (
	healthPath = "/healthz"
	// startTries is how often another port is tried: a free port may be taken
	// by somebody else before the gateway listens on it.
	startTries   = 5
	startTimeout = 60 * time.Second
)

// Gateway is a running S3 server.
type Gateway struct {
	Endpoint  string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string
	Region    string
	Folder    string // where it keeps its buckets, each a folder
}

// Start runs a gateway until the test ends.
func Start(t testing.TB) *Gateway {
	t.Helper()
	if !prepared {
		t.Fatal("s3gateway.Start needs: func TestMain(m *testing.M) { s3gateway.Main(m) }")
	}
	g := &Gateway{AccessKey: "tester", SecretKey: "tester-secret", Region: "us-east-1", Folder: t.TempDir()}
	var complaint string
	for range startTries {
		if complaint = g.start(t); complaint == "" {
			return g
		}
	}
	t.Fatalf("the S3 gateway does not start:\n%s", complaint)
	return nil
}

// start runs the gateway on a free port; it returns what the gateway said when
// it ended at once, or "".
func (g *Gateway) start(t testing.TB) (complaint string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // only its port was wanted
	role, err := json.Marshal(settings{
		Address: address, Folder: g.Folder, AccessKey: g.AccessKey, SecretKey: g.SecretKey, Region: g.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said process.Output
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+string(role))
	cmd.Stdout, cmd.Stderr = &said, &said
	life, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	g.Endpoint = "http://" + address
	if !g.answers(ended) {
		_ = cmd.Process.Kill()
		<-ended
		return said.String()
	}
	t.Cleanup(func() { g.stop(t, cmd, life, ended, &said) })
	return ""
}

// answers waits until the gateway answers, or has ended.
func (g *Gateway) answers(ended <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Endpoint+healthPath, nil)
		if err != nil {
			return false
		}
		if reply, err := http.DefaultClient.Do(request); err == nil {
			reply.Body.Close()
			return reply.StatusCode == http.StatusOK
		}
		select {
		case <-ended:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// stop ends the gateway; what it said is shown if the test failed.
func (g *Gateway) stop(t testing.TB, cmd *exec.Cmd, life io.Closer, ended <-chan struct{}, said *process.Output) {
	life.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second): // it drains connections that nobody closes
		_ = cmd.Process.Kill()
		<-ended
	}
	if t.Failed() && said.String() != "" {
		t.Logf("the S3 gateway said:\n%s", said.String())
	}
}

// Env is the environment that makes this project's programs, and any program
// with an AWS SDK, use the gateway as S3. Only S3 is redirected.
func (g *Gateway) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + g.Endpoint,
		"AWS_ACCESS_KEY_ID=" + g.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + g.SecretKey,
		"AWS_SESSION_TOKEN=",
		"AWS_REGION=" + g.Region,
		"AWS_EC2_METADATA_DISABLED=true",
		"S3_PATH_STYLE=true",
	}
}

// Config is the SDK's configuration for this gateway.
func (g *Gateway) Config() aws.Config {
	return aws.Config{
		Region:       g.Region,
		BaseEndpoint: aws.String(g.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(g.AccessKey, g.SecretKey, ""),
	}
}

// Client is the SDK's client for this gateway, for what the store can not do.
func (g *Gateway) Client() *awss3.Client {
	return awss3.NewFromConfig(g.Config(), func(o *awss3.Options) { o.UsePathStyle = true })
}

// Bucket makes a bucket.
func (g *Gateway) Bucket(t testing.TB, name string) {
	t.Helper()
	if _, err := g.Client().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("making the bucket %s: %v", name, err)
	}
}

// Driver opens the project's S3 driver on this gateway; c needs only a Bucket.
func (g *Gateway) Driver(t testing.TB, c s3.Config) objectstore.Driver {
	t.Helper()
	c.PathStyle = true
	d, err := s3.New(g.Config(), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Store is a bucket, or a prefix of one ("" or ending in "/"), with the
// project's standard decorators.
func (g *Gateway) Store(t testing.TB, bucket, prefix string) *objectstore.Store {
	t.Helper()
	driver := g.Driver(t, s3.Config{Bucket: bucket, Prefix: prefix})
	return objectstore.New(objectstore.Standard(driver, objectstore.Config{Concurrency: 128}))
}
