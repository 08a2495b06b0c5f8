package uploads_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/test/pimsserver"
)

// partCounter stands between clients and the store, and knows which parts were
// sent. One part may be held back until its client is gone.
type partCounter struct {
	http.Handler
	reached chan struct{} // gets a value when the held part comes

	mu     sync.Mutex // guards what follows
	hold   int        // this part, 0 for none
	free   chan struct{}
	parts  []int // that arrived, in order
	stored int   // parts that were answered
	refuse bool  // the beginning of uploads
}

func newPartCounter(t *testing.T, gateway string) *partCounter {
	t.Helper()
	target, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	return &partCounter{
		reached: make(chan struct{}, 1),
		Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		}},
	}
}

func (c *partCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if r.Method == http.MethodPost && r.URL.Query().Has("uploads") && c.refuses() {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.Method == http.MethodPut && number > 0 {
		c.mu.Lock()
		held, free := number == c.hold, c.free
		if !held {
			c.parts = append(c.parts, number)
		}
		c.mu.Unlock()
		if held {
			c.reached <- struct{}{}
			<-free // a client that is gone is not noticed before its body is read
			panic(http.ErrAbortHandler)
		}
	}
	c.Handler.ServeHTTP(w, r)
	if r.Method == http.MethodPut && number > 0 {
		c.mu.Lock()
		c.stored++
		c.mu.Unlock()
	}
}

func (c *partCounter) refuses() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuse
}

// setRefuse refuses uploads from now on, or takes them.
func (c *partCounter) setRefuse(refuse bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = refuse
}

// answered gives how many parts are in the store since take was called.
func (c *partCounter) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored
}

// take gives the parts that arrived since the last call, lets go what is held,
// and holds another one.
func (c *partCounter) take(hold int) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.free != nil {
		close(c.free)
	}
	c.free = make(chan struct{})
	parts := c.parts
	c.parts, c.stored, c.hold = nil, 0, hold
	return parts
}

// TestKilledUploadSendsOnlyWhatIsMissing kills the real command while it sends
// the third of five parts, and starts it again.
func TestKilledUploadSendsOnlyWhatIsMissing(t *testing.T) {
	var counter *partCounter
	server := pimsserver.StartBehind(t, func(gateway string) string {
		counter = newPartCounter(t, gateway)
		front := httptest.NewServer(counter)
		t.Cleanup(front.Close)
		return front.URL
	})
	s := &service{server, t}
	folder := t.TempDir()
	slide := filepath.Join(folder, "a slide.svs")
	if err := os.WriteFile(slide, slideOf(t, 33<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(out *bytes.Buffer) *exec.Cmd {
		cmd := exec.Command(server.Binary, "upload", "--json", "--parallel=1", slide)
		cmd.Env = []string{"PIMS_URL=" + server.URL, "HOME=" + folder}
		cmd.Stdout, cmd.Stderr = out, out
		return cmd
	}
	counter.take(3)
	var said bytes.Buffer
	first := command(&said)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	<-counter.reached
	_ = first.Process.Kill()
	_ = first.Wait()
	if got := counter.take(0); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("before it was killed it sent the parts %v, want 1 and 2", got)
	}
	var out bytes.Buffer
	if err := command(&out).Run(); err != nil {
		t.Fatalf("started again: %v\n%s", err, out.String())
	}
	if got := counter.take(0); !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("started again it sent the parts %v, want 3, 4 and 5\n%s", got, out.String())
	}
	var result struct{ ID, Path, State, Error string }
	last := bytes.TrimSpace(out.Bytes())
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	if err := json.Unmarshal(last, &result); err != nil || result.Error != "" || result.ID == "" {
		t.Fatalf("it says %s (%v)", out.String(), err)
	}
	s.call("GET", "/image/"+result.Path+"/info", nil, nil, http.StatusOK)
	if left, _ := filepath.Glob(filepath.Join(folder, ".local", "state", "pims", "uploads", "*")); len(left) != 0 {
		t.Errorf("the state of the upload is still there: %v", left)
	}
}
