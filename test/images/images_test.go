// Package images_test runs what docker/test.sh has built: the binaries of the
// images, as the images' user, in the images' root file systems.
package images_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
)

// image is one that was built, and its mounted root file system.
type image struct {
	root   string
	Config struct {
		User, WorkingDir     string
		Env, Entrypoint, Cmd []string
		Labels               map[string]string
		Healthcheck          *struct{ Test []string }
	}
}

// uid is that of the images' user.
const uid = 10001

func open(t *testing.T, name string) image {
	t.Helper()
	root := os.Getenv("IMAGES_" + strings.ToUpper(name) + "_ROOT")
	if root == "" {
		t.Skip("no images were built; make test-images builds them")
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("IMAGES_CONFIG"), name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var inspected struct{ Docker image }
	if err := json.Unmarshal(text, &inspected); err != nil {
		t.Fatal(err)
	}
	inspected.Docker.root = root
	return inspected.Docker
}

// command runs the image's entry point with these arguments as a container
// engine would, but for its name spaces.
func (i image) command(t *testing.T, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	line := slices.Concat(i.Config.Entrypoint, args)
	cmd := exec.CommandContext(t.Context(), i.find(t, line[0]), line[1:]...)
	cmd.Env = slices.Concat(i.Config.Env, environ)
	cmd.Dir = i.Config.WorkingDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// find is where the image's PATH has a program.
func (i image) find(t *testing.T, name string) string {
	t.Helper()
	for _, line := range i.Config.Env {
		folders, ok := strings.CutPrefix(line, "PATH=")
		if !ok {
			continue
		}
		for _, folder := range filepath.SplitList(folders) {
			if _, err := os.Stat(filepath.Join(i.root, folder, name)); err == nil {
				return filepath.Join(folder, name)
			}
		}
	}
	t.Fatalf("%s is not in the PATH of the image: %q", name, i.Config.Env)
	return ""
}

func TestImagesSayWhatTheyAreAndAreNotRoot(t *testing.T) {
	for name, title := range map[string]string{"server": "pims", "function": "pims-function"} {
		i := open(t, name)
		if want := fmt.Sprintf("%d:%d", uid, uid); i.Config.User != want {
			t.Errorf("%s runs as %q, want %s", name, i.Config.User, want)
		}
		for label, want := range map[string]string{"title": title, "version": os.Getenv("IMAGES_VERSION"), "licenses": "Apache-2.0"} {
			if got := i.Config.Labels["org.opencontainers.image."+label]; got != want || want == "" {
				t.Errorf("%s: label %s is %q, want %q", name, label, got, want)
			}
		}
		// Nothing of the stages that build and fetch may be left.
		for _, path := range []string{"/usr/local/go", "/usr/bin/gcc", "/src", "/root/.npmrc", "/root/.config"} {
			if _, err := os.Stat(filepath.Join(i.root, path)); err == nil {
				t.Errorf("%s has %s", name, path)
			}
		}
	}
	if c := open(t, "server").Config; c.Healthcheck == nil || !slices.Contains(c.Healthcheck.Test, "health") || !slices.Contains(c.Env, "HOST=0.0.0.0") {
		t.Errorf("the server's health check is %+v, its environment %q", c.Healthcheck, c.Env)
	}
}

func TestBillsOfMaterialsNamePackagesAndModules(t *testing.T) {
	for _, name := range []string{"server", "function"} {
		open(t, name)
		text, err := os.ReadFile(filepath.Join(testfiles.Root(t), "dist", "sbom", name+".cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"pkg:deb/debian/libvips42@`, `"pkg:golang/github.com/davidbyttow/govips/v2@`, `"pkg:golang/std@`} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("the bill of materials of %s does not name %s", name, want)
			}
		}
	}
}

// imported imports a slide with the server image's own command and gives its path.
func imported(t *testing.T, server image) string {
	t.Helper()
	text, err := os.ReadFile(testfiles.Own(t, "svs/ycbcr-256.svs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.root, "tmp", "slide.svs"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := server.command(t, nil, "import", "--json", "/tmp/slide.svs")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var done struct{ Path string }
	if err != nil || json.Unmarshal(out, &done) != nil || done.Path == "" {
		t.Fatalf("pims import: %v: %s", err, out)
	}
	return done.Path
}

// serve runs the server image and gives its address.
func serve(t *testing.T, server image) string {
	t.Helper()
	return started(t, server.command(t, []string{"HOST=127.0.0.1", "PORT=0"}, server.Config.Cmd...), "slides", "/")
}

// started starts a command, and gives the address that it tells in a line with
// this label, without its end.
func started(t *testing.T, cmd *exec.Cmd, label, end string) string {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("%v ended with %v", cmd.Args, err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), label); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return strings.TrimSuffix(strings.TrimSpace(address), end)
		}
	}
	t.Fatalf("%v did not tell its address", cmd.Args)
	return ""
}

func get(t *testing.T, address, accept string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != accept {
		t.Fatalf("%s as %s: status %d, %v, %v: %.300s", address, accept, reply.StatusCode, reply.Header, err, body)
	}
	return body
}

func TestServerAndFunctionGiveTiles(t *testing.T) {
	server, function := open(t, "server"), open(t, "function")
	path := imported(t, server)
	address := serve(t, server)
	checkHealth(t, server, address)

	ofServer := address + "/image/" + path + "/tile/level/0/tx/0/ty/0"
	front := httptest.NewServer(&runtimetest.Front{Function: start(t, function, function.Config.Cmd...)})
	defer front.Close()
	ofFunction := front.URL + "/image/" + registered(t, function) + "/tile/level/0/tx/0/ty/0"
	for _, accept := range []string{"image/jpeg", "image/png", "image/webp"} { // passed through; encoded; by libvips
		one, other := get(t, ofServer, accept), get(t, ofFunction, accept)
		if !bytes.Equal(one, other) {
			t.Errorf("%s: %d bytes of the server, %d of the function, and they differ", accept, len(one), len(other))
		}
	}
}

// checkHealth runs the image's health check for what answers at an address.
func checkHealth(t *testing.T, server image, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := server.command(t, []string{"PORT=" + u.Port()}, server.Config.Healthcheck.Test[2:]...).CombinedOutput(); err != nil {
		t.Errorf("the health check of %s fails: %v: %s", address, err, out)
	}
}

// TestAWorkerIsHealthy: the same check holds for the command worker, which listens
// where the image's health check asks.
func TestAWorkerIsHealthy(t *testing.T) {
	server := open(t, "server")
	if !slices.Contains(server.Config.Env, "WORKER_LISTEN=0.0.0.0:5000") || !slices.Contains(server.Config.Env, "PORT=5000") {
		t.Errorf("a worker and its health check disagree about the port: %q", server.Config.Env)
	}
	environ := []string{"WORKER_LISTEN=127.0.0.1:0", "QUEUE_URL=local:/tmp/worker-queue", "STORE_URL=file:///tmp/worker-slides", "UPLOADS_URL=file:///tmp/worker-uploads"}
	checkHealth(t, server, started(t, server.command(t, environ, "worker"), "health", "/ping"))
}

// registered imports the same slide with the function image's import function
// and gives its path.
func registered(t *testing.T, function image) string {
	t.Helper()
	text, err := os.ReadFile(testfiles.Own(t, "svs/ycbcr-256.svs"))
	if err != nil {
		t.Fatal(err)
	}
	uploads := filepath.Join(function.root, "tmp", "uploads")
	upload := filepath.Join(uploads, "slide.svs")
	if err := errors.Join(os.Mkdir(uploads, 0o755), os.WriteFile(upload, text, 0o644), os.Chown(uploads, uid, uid), os.Chown(upload, uid, uid)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(upload)
	if err != nil {
		t.Fatal(err)
	}
	job := importer.NewJob(importer.Upload{Bucket: "file:///tmp/uploads", Key: "slide.svs", ETag: source.FileVersion(info), Size: info.Size()}, "", false)
	out, err := start(t, function, "/var/task/import").InvokeJSON(t.Context(), job.Encode())
	var outcome struct{ Reports []importer.Report }
	if err != nil || json.Unmarshal(out, &outcome) != nil || len(outcome.Reports) != 1 || !outcome.Reports[0].Viewable {
		t.Fatalf("the import function: %v: %s", err, out)
	}
	return outcome.Reports[0].Path
}

// start runs a command of the function image under the emulator of the Runtime API.
func start(t *testing.T, function image, command ...string) *runtimetest.Function {
	t.Helper()
	// The emulator starts a program without arguments, outside.
	enter := filepath.Join(t.TempDir(), "enter")
	script := fmt.Sprintf("#!/bin/sh\nexec chroot --userspec=%d:%d '%s' %s\n", uid, uid, function.root, strings.Join(command, " "))
	if err := os.WriteFile(enter, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return runtimetest.Start(t, enter, "STORE_URL=file:///tmp/slides", "UPLOADS_URL=file:///tmp/uploads", "TMPDIR=/tmp", "HOME=/tmp")
}
