// Package pimsserver gives tests the real program, built from this checkout, as
// a server over buckets of a real S3 server.
package pimsserver

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/process"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// The buckets of a server, and the prefixes in them.
const (
	UploadsBucket = "incoming"
	UploadsPrefix = "in/"
	SlidesBucket  = "slides"
	SlidesPrefix  = "prod/"
)

// Server is a running "pims serve".
type Server struct {
	URL     string // http://127.0.0.1:PORT
	Binary  string // the program
	Gateway *s3gateway.Gateway
	log     *process.Output
}

// Start builds the program and serves until the test ends. Lines of environ
// ("NAME=value") win over what the server is started with.
func Start(t testing.TB, environ ...string) *Server {
	t.Helper()
	return StartBehind(t, func(gateway string) string { return gateway }, environ...)
}

// StartBehind is Start with something between everybody and the gateway: front
// gives the address of what passes requests on to the one that it is told.
func StartBehind(t testing.TB, front func(gateway string) string, environ ...string) *Server {
	t.Helper()
	s := &Server{Gateway: s3gateway.Start(t), Binary: runtimetest.Build(t, testfiles.Root(t), "./cmd/pims"), log: &process.Output{}}
	s.Gateway.Bucket(t, UploadsBucket)
	s.Gateway.Bucket(t, SlidesBucket)
	s.serve(t, append([]string{"AWS_ENDPOINT_URL_S3=" + front(s.Gateway.Endpoint)}, environ...))
	return s
}

// Beside starts another server over the same buckets.
func (s *Server) Beside(t testing.TB, environ ...string) *Server {
	t.Helper()
	other := &Server{Gateway: s.Gateway, Binary: s.Binary, log: &process.Output{}}
	other.serve(t, environ)
	return other
}

var address = regexp.MustCompile(`API\s+(http://\S+)/docs`)

func (s *Server) serve(t testing.TB, environ []string) {
	t.Helper()
	folder := t.TempDir()
	cmd := exec.Command(s.Binary, "serve")
	cmd.Dir = folder
	cmd.Env = append(s.Gateway.Env(), "PATH="+os.Getenv("PATH"), "HOME="+folder, "TMPDIR="+folder,
		"STORE_URL=s3://"+SlidesBucket+"/"+SlidesPrefix, "UPLOADS_URL=s3://"+UploadsBucket+"/"+UploadsPrefix,
		"QUEUE_URL=local:"+folder+"/queue", "PORT=0", "GRACEFUL_TIMEOUT=5")
	cmd.Env = append(cmd.Env, environ...)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				told <- found[1]
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", s.log)
		}
	})
	select {
	case s.URL = <-told:
	case <-ended:
		t.Fatalf("the server does not start:\n%s", s.log)
	}
}

// Log is what the server has logged so far.
func (s *Server) Log() string { return s.log.String() }
