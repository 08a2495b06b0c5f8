package s3gateway

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Public is another address of a gateway, as browsers have one outside the
// network in which the service reaches it.
type Public struct {
	URL      string       // http://127.0.0.1:PORT
	Requests atomic.Int64 // that came by it
}

// Public opens another address until the test ends. Host is passed on as it is:
// it is signed.
func (g *Gateway) Public(t testing.TB) *Public {
	t.Helper()
	target, err := url.Parse(g.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Public{}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Requests.Add(1)
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Inside is a signed address with the gateway's own host instead of the public
// one, which it was not signed for.
func (g *Gateway) Inside(p *Public, address string) string {
	return strings.Replace(address, p.URL, g.Endpoint, 1)
}
