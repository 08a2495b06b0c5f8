package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"
)

// wire is what lies between one function and the S3 server. It counts the
// sidecars that are written through it, and can be told to do something when a
// request comes by.
type wire struct {
	URL string

	mu       sync.Mutex // guards the rest
	sidecars map[string]int
	trap     func(*http.Request) bool // true: the request gets no further
}

var sidecar = regexp.MustCompile(`/(upload-[0-9a-f-]{36})/processed/slide\.pims$`)

// lay puts a wire before the S3 server at endpoint. Signatures hold, because the
// host that was asked stays as it is.
func lay(t *testing.T, endpoint string) *wire {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{sidecars: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(reply *http.Response) error {
			name := sidecar.FindStringSubmatch(reply.Request.URL.Path)
			if name != nil && reply.Request.Method == http.MethodPut && reply.StatusCode == http.StatusOK {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.sidecars[name[1]]++
			}
			return nil
		},
		// Whoever was killed is gone in the middle; there is nobody to tell.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if trap := w.set(); trap != nil && trap(r) {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// set is the trap of the moment.
func (w *wire) set() func(*http.Request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trap
}

// once springs when a request that is meant comes by for the first time.
func (w *wire) once(meant func(*http.Request) bool, spring func()) (sprung func() bool) {
	var first sync.Once
	var mu sync.Mutex
	done := false
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trap = func(r *http.Request) (caught bool) {
		if meant(r) {
			first.Do(func() {
				caught = true
				spring()
				mu.Lock()
				defer mu.Unlock()
				done = true
			})
		}
		return caught
	}
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return done
	}
}
