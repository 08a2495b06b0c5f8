package runtimetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Function is one running function process. It is safe for concurrent use:
// invocations wait for each other.
type Function struct {
	api     *api
	timeout time.Duration
	numbers atomic.Int64
	busy    chan struct{} // holds one token while an invocation runs
	log     *tail
	process *exec.Cmd
}

// Build compiles the package at importPath, given as from the module's root
// ("./functions/tiles"), as make functions does, and gives the binary's path. It is removed with the test.
func Build(t testing.TB, root, importPath string) string {
	t.Helper()
	return build(t, root, importPath, "CGO_ENABLED=0")
}

// BuildWithLibvips is Build with libvips, as in the functions' image. It skips
// the test where there is no libvips.
func BuildWithLibvips(t testing.TB, root, importPath string) string {
	t.Helper()
	if err := exec.Command("pkg-config", "--exists", "vips").Run(); err != nil {
		t.Skipf("libvips is not here to build with (pkg-config vips: %v)", err)
	}
	return build(t, root, importPath, "CGO_ENABLED=1")
}

func build(t testing.TB, root, importPath, environ string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, importPath)
	build.Dir = root
	build.Env = append(os.Environ(), environ)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", importPath, err, out)
	}
	return binary
}

// Start runs the binary with environ ("NAME=value") on top of a minimal
// environment, and ends it with the test. Nothing of the caller's environment
// but PATH, HOME and TMPDIR reaches it.
func Start(t testing.TB, binary string, environ ...string) *Function {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &Function{api: newAPI(), timeout: time.Minute, busy: make(chan struct{}, 1), log: &tail{}}
	server := &http.Server{Handler: f.api.handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with ErrServerClosed
	}()

	f.process = exec.Command(binary)
	f.process.Dir = t.TempDir()
	f.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=runtimetest",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024", "AWS_REGION=eu-west-1",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + f.process.Dir,
	}, environ...)
	f.process.Stdout, f.process.Stderr = f.log, f.log
	if err := f.process.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = f.process.Wait() // how it ended is told to who waits for a reply
		close(f.api.ended)
	}()
	t.Cleanup(func() {
		_ = f.process.Process.Kill() // fails when it has ended already
		<-exited
		_ = server.Close()
		<-served
		if t.Failed() {
			t.Logf("log of %s:\n%s", filepath.Base(binary), f.Log())
		}
	})
	return f
}

// Log is the end of what the process wrote to stdout and stderr.
func (f *Function) Log() string { return f.log.String() }

// Kill ends the process at once, as the platform does with one that takes too
// much time or memory, and returns when it has ended.
func (f *Function) Kill() {
	_ = f.process.Process.Kill() // fails when it has ended already
	<-f.api.ended
}

// Ended reports whether the process has ended.
func (f *Function) Ended() bool {
	select {
	case <-f.api.ended:
		return true
	default:
		return false
	}
}

// PID is the process's number.
func (f *Function) PID() int { return f.process.Process.Pid }

// Invoke gives the function one event and waits until its reply begins. The
// reply's body must be closed. The error is a *FunctionError when the function
// reported one.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Reply, error) {
	select {
	case f.busy <- struct{}{}:
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	var once sync.Once
	release := func() { once.Do(func() { <-f.busy }) }
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", f.numbers.Add(1))
	reply, err := f.api.invoke(ctx, id, payload, f.timeout)
	if err != nil {
		release()
		if err == errEnded {
			err = fmt.Errorf("%w; its log ends with:\n%s", err, f.Log())
		}
		return Reply{}, err
	}
	reply.Body = &releasing{ReadCloser: reply.Body, release: release}
	return reply, nil
}

// InvokeJSON is Invoke for a reply in whole, which it reads.
func (f *Function) InvokeJSON(ctx context.Context, payload []byte) ([]byte, error) {
	reply, err := f.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	return io.ReadAll(reply.Body)
}

type releasing struct {
	io.ReadCloser
	release func()
}

func (r *releasing) Close() error {
	defer r.release()
	return r.ReadCloser.Close()
}

// tail keeps the end of a log. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - tailBytes; over > 0 {
		t.text.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text.String())
}
