package fastpath

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	header := http.Header{}
	m, ok := parse("GET /image/a,b/tile/0.jpg?v=1&x=%20 HTTP/1.1\r\nhost: localhost:8080\r\nx-pims-debug:  1 \r\nAccept: a\r\nAccept: b\r\nConnection: Keep-Alive\r\n\r\n",
		header, make([]string, 0, 8))
	want := http.Header{"X-Pims-Debug": {"1"}, "Accept": {"a", "b"}, "Connection": {"Keep-Alive"}}
	if !ok || m.target.Path != "/image/a,b/tile/0.jpg" || m.target.RawQuery != "v=1&x=%20" || m.host != "localhost:8080" || !reflect.DeepEqual(header, want) {
		t.Errorf("%t, %+v, %v", ok, m, header)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\nx",
		"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%61 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX_Y: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: a\r\n", 9) + "\r\n",
	} {
		if m, ok := parse(text, http.Header{}, make([]string, 0, 8)); ok {
			t.Errorf("%q was accepted as %+v", text, m)
		}
	}
}

// FuzzParse holds what parse accepts against net/http, which must come to exactly
// one request, the same one, without a body, and keep the connection.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"GET /image/a/tile/level/0/ti/3.jpg?v=1 HTTP/1.1\r\nHost: localhost:8080\r\nAccept: image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\n\r\n",
		"GET //a/../b:c,d=@~_. HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\nX: a\r\nX: b\r\n\r\n",
		"GET /?\"<>\\^`{|} HTTP/1.1\r\nhOST: a\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nTrailer: b\r\nTE: trailers\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add(text)
	}
	oracle := newOracle(f)
	f.Fuzz(func(t *testing.T, text string) { oracle.hold(t, text) })
}

// TestEveryByte tries each byte in each place.
func TestEveryByte(t *testing.T) {
	oracle := newOracle(t)
	accepted := 0
	for c := range 256 {
		in := string([]byte{byte(c)})
		for _, text := range []string{
			"GET /a" + in + "b HTTP/1.1\r\nHost: here\r\n\r\n", "GET /a?b" + in + "c HTTP/1.1\r\nHost: here\r\n\r\n",
			"GET /a?" + in + " HTTP/1.1\r\nHost: here\r\n\r\n", "GET /" + in + " HTTP/1.1\r\nHost: here\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: a" + in + "b\r\n\r\n", "GET /a HTTP/1.1\r\nHost: " + in + "\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: a\r\nX" + in + "Y: z\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\n" + in + ": z\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: a\r\nX: y" + in + "z\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\nX:" + in + "\r\n\r\n",
			"GET /a HTTP/1.1" + in + "\r\nHost: a\r\n\r\n", "GET" + in + "/a HTTP/1.1\r\nHost: a\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: a\r\n" + in + "\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n" + in,
		} {
			if oracle.hold(t, text) {
				accepted++
			}
		}
	}
	if accepted < 500 {
		t.Errorf("only %d requests were accepted", accepted)
	}
}

// oracle is net/http's server, over connections within the process.
type oracle struct {
	conns chan net.Conn
	asked chan *http.Request
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{make(chan net.Conn), make(chan *http.Request, 2)}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { o.asked <- r })}
	go func() { _ = server.Serve(o) }()
	t.Cleanup(func() { close(o.conns) })
	return o
}

// hold compares what is made of a text, and tells whether it was accepted.
func (o *oracle) hold(t *testing.T, text string) bool {
	header := http.Header{}
	m, ok := parse(text, header, make([]string, 0, maxFields))
	if !ok {
		return false
	}
	r := o.read(t, text)
	if r.Method != http.MethodGet || r.RequestURI != m.uri || *r.URL != m.target || r.Host != m.host ||
		r.ContentLength != 0 || r.Close || len(r.TransferEncoding) > 0 || !reflect.DeepEqual(r.Header, header) {
		t.Errorf("%q\nnet/http: %+v, %+v\nhere: %+v, %q", text, r, r.URL, m, header)
	}
	return true
}

// Accept implements net.Listener.
func (o *oracle) Accept() (net.Conn, error) {
	if c, ok := <-o.conns; ok {
		return c, nil
	}
	return nil, io.EOF
}

// Close implements net.Listener.
func (o *oracle) Close() error { return nil }

// Addr implements net.Listener.
func (o *oracle) Addr() net.Addr { return &net.TCPAddr{} }

// read gives the request that net/http reads. It must be followed by another one
// on the same connection, so that it ends where text does.
func (o *oracle) read(t *testing.T, text string) *http.Request {
	client, server := net.Pipe()
	defer client.Close()
	o.conns <- server
	in := bufio.NewReader(client)
	for _, message := range []string{text, "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"} {
		if _, err := io.WriteString(client, message); err != nil {
			t.Fatalf("%q: %v", message, err)
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%q of %q: %v, %+v", message, text, err, r)
		}
	}
	first, next := <-o.asked, <-o.asked
	if next.RequestURI != "/next" {
		t.Fatalf("%q is followed by %q", text, next.RequestURI)
	}
	return first
}
