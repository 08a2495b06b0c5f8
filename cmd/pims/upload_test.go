package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/web/webtest"
)

const grantKeys = "GRANT_KEYS=test:0123456789abcdef0123456789abcdef"

// uploader is a command line that sends to a server with a folder store, which
// takes files in one request and asks for a grant with these rights.
func uploader(t *testing.T, rights string, settings ...string) (c cli, server *webtest.Server) {
	t.Helper()
	server = webtest.Serve(t, append([]string{"AUTH=signed", grantKeys}, settings...)...)
	home := t.TempDir()
	grant := strings.TrimSpace(newCLI(t, grantKeys).must("grant", "--rights", rights))
	return cli{t, []string{"PIMS_URL=" + server.Base, "PIMS_TOKEN=" + grant, "HOME=" + home}}, server
}

// TestUploadToAServerWithoutBuckets sends files in one request each, where the
// server gives no addresses of parts.
func TestUploadToAServerWithoutBuckets(t *testing.T) {
	c, server := uploader(t, "read,write,export")
	folder := t.TempDir()
	slide := filepath.Join(folder, "a slide (1).svs")
	body, err := os.ReadFile(firstFile(t, "svs"))
	if err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(folder, "letter.svs")
	for name, content := range map[string][]byte{slide: body, letter: []byte("Dear doctor,")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := c.run("upload", "--json", folder)
	all := outcomes(t, out)
	if code != 1 || errs != "" || len(all) != 2 {
		t.Fatalf("exit code %d with a failed file, want 1 and two lines:\n%s%s", code, out, errs)
	}
	sent, failed := all[0], all[1]
	if sent.File != slide || sent.State != "done" || sent.Format != "SVS" || sent.Error != "" {
		t.Errorf("the slide is told as %+v", sent)
	}
	if failed.File != letter || failed.State != "failed" || failed.Error == "" {
		t.Errorf("what is no slide is told as %+v", failed)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.Base+"image/"+sent.Path+"/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimPrefix(c.environ[1], "PIMS_TOKEN="))
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got, err := io.ReadAll(reply.Body); err != nil || reply.StatusCode != http.StatusOK || !bytes.Equal(got, body) {
		t.Errorf("the server has %d bytes (status %d, %v), want the %d of the file", len(got), reply.StatusCode, err, len(body))
	}
	if left, _ := filepath.Glob(filepath.Join(strings.TrimPrefix(c.environ[2], "HOME="), "*", "*", "*", "*", "*")); len(left) != 0 {
		t.Errorf("there is a state of an upload that can not go on: %v", left)
	}
}

// TestUploadTellsWhyItIsRefused: the server's own sentence, and nothing of the
// credential.
func TestUploadTellsWhyItIsRefused(t *testing.T) {
	slide := firstFile(t, "svs")
	for name, row := range map[string]struct {
		rights   string
		settings []string
		change   func(*cli)
		says     string
	}{
		"without the right":    {rights: "read", says: "This needs the rights write"},
		"larger than it takes": {rights: "write", settings: []string{"MAX_UPLOAD_BYTES=1KiB"}, says: "the service takes 1024"},
		"with a bad grant":     {rights: "write", change: func(c *cli) { c.environ[1] += "x" }, says: "The credential is not accepted"},
		"without a grant":      {rights: "write", change: func(c *cli) { c.environ[1] = "PIMS_TOKEN=" }, says: "This needs a credential"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := uploader(t, row.rights, row.settings...)
			if row.change != nil {
				row.change(&c)
			}
			code, out, errs := c.run("upload", "--json", slide)
			all := outcomes(t, out)
			if code != 1 || len(all) != 1 || all[0].State != "failed" || !strings.Contains(all[0].Error, row.says) {
				t.Fatalf("exit code %d, want 1 and the reason %q:\n%s%s", code, row.says, out, errs)
			}
			if grant := strings.TrimPrefix(c.environ[1], "PIMS_TOKEN="); grant != "" && strings.Contains(out+errs, grant) {
				t.Errorf("the credential is told: %s%s", out, errs)
			}
		})
	}
}
