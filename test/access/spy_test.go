package access_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// spy stands between the programs and the store. It knows every signature that
// was sent, and can refuse what is asked, quoting all of it, as some stores and
// proxies do.
type spy struct {
	http.Handler

	mu         sync.Mutex // guards what follows
	signatures map[string]bool
	status     int // of refusals; 0 lets through
	refused    int
}

func newSpy(t *testing.T, gateway string) (address string, s *spy) {
	t.Helper()
	target, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	s = &spy{signatures: map[string]bool{}, Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL, s
}

// signature is in a presigned address, or in the header of a signed request.
var signature = regexp.MustCompile(`Signature=([0-9a-f]{64})`)

// note remembers the signatures in a text.
func (s *spy) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range signature.FindAllStringSubmatch(text, -1) {
		s.signatures[found[1]] = true
	}
}

func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signed := r.RequestURI + " " + r.Header.Get("Authorization")
	s.note(signed)
	s.mu.Lock()
	status := s.status
	if status != 0 {
		s.refused++
	}
	s.mu.Unlock()
	if status == 0 {
		s.Handler.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	var quoted strings.Builder
	_ = xml.EscapeText(&quoted, []byte(r.Method+" "+signed))
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>Refused</Code><Message>the request %s is refused</Message></Error>", quoted.String())
}

// refuse answers everything with a status from now on; 0 stops that. It gives
// how many requests were refused since the last call.
func (s *spy) refuse(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.refused
	s.status, s.refused = status, 0
	return n
}

// all are the signatures so far.
func (s *spy) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for text := range s.signatures {
		out = append(out, text)
	}
	return out
}

// collector takes traces and keeps them as they come: protocol buffers, in which
// text stands as it is.
type collector struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func newCollector(t *testing.T) (address string, c *collector) {
	t.Helper()
	c = &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a program that ends
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL, c
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
