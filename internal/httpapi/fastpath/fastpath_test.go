package fastpath

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/httpapi/onewrite"
	"github.com/pims-cloud/pims/internal/nowait"
)

// patience is far beyond what anything here takes.
const patience = 30 * time.Second

// at is the header that tells which way an answer came.
const at = "X-At"

// tile is what both ways answer with: the path and the body of the request. At
// once, everything below /cold/ is left.
func tile(w http.ResponseWriter, r *http.Request) {
	w.Header()[at] = []string{"server"}
	if nowait.In(r.Context()) {
		if strings.HasPrefix(r.URL.Path, "/cold/") {
			return
		}
		w.Header()[at] = []string{"connection"}
	}
	if r.Header.Get("If-None-Match") != "" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	sent, _ := io.ReadAll(r.Body)
	body := r.URL.Path + " " + string(sent) + strings.Repeat("x", 5000)
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, body)
}

// serve starts a server with a path to the handler, and gives its address.
func serve(t testing.TB, handler http.HandlerFunc) (*http.Server, *Path, string) {
	t.Helper()
	return servePatiently(t, handler, patience)
}

// servePatiently is serve with a time that a connection may bring nothing.
func servePatiently(t testing.TB, handler http.HandlerFunc, idle time.Duration) (*http.Server, *Path, string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := New(handler)
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: patience, IdleTimeout: idle,
		ConnContext: onewrite.ConnContext, ErrorLog: log.New(io.Discard, "", 0),
	}
	listener := onewrite.Listener(path.Listener(server, inner))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return server, path, inner.Addr().String()
}

// client is one connection.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads one answer and tells the status, the way and the body up to the x.
func (c *client) receive() string {
	c.t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(body), "x")
	return fmt.Sprintf("%d %s %s", r.StatusCode, r.Header.Get(at), text)
}

func (c *client) want(want string) {
	c.t.Helper()
	if got := c.receive(); strings.TrimSpace(got) != want {
		c.t.Fatalf("got %q, want %q", strings.TrimSpace(got), want)
	}
}

// wantAnswered waits for the count, which follows the answer.
func wantAnswered(t *testing.T, p *Path, want uint64) {
	t.Helper()
	for end := time.Now().Add(patience); p.Answered() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d answers are counted, want %d", p.Answered(), want)
		}
	}
}

func get(path string, fields ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: here\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

func TestAllButTheFirstRequestAreAnsweredOnTheConnection(t *testing.T) {
	_, path, address := serve(t, tile)
	c := dial(t, address)
	c.send(get("/a"))
	c.want("200 server /a")
	for i := range 5 {
		c.send(get("/b?v=" + strconv.Itoa(i)))
		c.want("200 connection /b")
	}
	c.send(get("/a", `If-None-Match: "tag"`))
	c.want("304 connection")
	wantAnswered(t, path, 6)
}

func TestWhatIsLeftIsTheServers(t *testing.T) {
	_, path, address := serve(t, tile)
	c := dial(t, address)
	c.send(get("/cold/a"))
	c.want("200 server /cold/a")
	c.send(get("/cold/a"))
	c.want("200 server /cold/a")
	c.send(get("/b"))
	c.want("200 connection /b")
	wantAnswered(t, path, 1)
}

// TestAskingInVainBecomesRare counts how often the handler is asked at once.
func TestAskingInVainBecomesRare(t *testing.T) {
	var asked atomic.Int64
	_, path, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if nowait.In(r.Context()) {
			asked.Add(1)
		}
		tile(w, r)
	})
	c := dial(t, address)
	for range 41 {
		c.send(get("/cold/a"))
		c.want("200 server /cold/a")
	}
	if got := asked.Load(); got < 8 || got > 12 {
		t.Errorf("of 41 requests in vain, %d were asked at once, want about a fifth", got)
	}
	for range 4 { // until it is asked again, after the 45th
		c.send(get("/b"))
		c.want("200 server /b")
	}
	for range 10 {
		c.send(get("/b"))
		c.want("200 connection /b")
	}
	wantAnswered(t, path, 10)
}

// TestOtherRequestsAreTheServers sends what is no single plain request. It must be
// answered by net/http, and be the end of the path on this connection.
func TestOtherRequestsAreTheServers(t *testing.T) {
	inside := get("/inside") // a body that reads like a request
	for name, row := range map[string]struct {
		send []string // with a pause between
		want []string
	}{
		"a body":            {[]string{"POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody"}, []string{"200 server /a body"}},
		"a body, later":     {[]string{"POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: " + strconv.Itoa(len(inside)) + "\r\n\r\n", inside}, []string{"200 server /a " + strings.TrimSpace(inside)}},
		"a GET with a body": {[]string{"GET /a HTTP/1.1\r\nHost: here\r\nContent-Length: " + strconv.Itoa(len(inside)) + "\r\n\r\n", inside}, []string{"200 server /a " + strings.TrimSpace(inside)}},
		"chunks":            {[]string{"POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"}, []string{"200 server /a body"}},
		"two at once":       {[]string{get("/a") + get("/b")}, []string{"200 server /a", "200 server /b"}},
		"one and a half":    {[]string{get("/a") + "GET /b HTTP/1.1\r\n", "Host: here\r\n\r\n"}, []string{"200 server /a", "200 server /b"}},
		"half a request":    {[]string{"GET /a HTTP/1.1\r\nHo", "st: here\r\n\r\n"}, []string{"200 server /a"}},
		"half, then whole":  {[]string{"GET /a HTTP/1.1\r\nX: ", get("/b")}, []string{"200 server /a"}},
		"escapes":           {[]string{get("/%61")}, []string{"200 server /a"}},
		"another method":    {[]string{"DELETE /a HTTP/1.1\r\nHost: here\r\n\r\n"}, []string{"200 server /a"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, address := serve(t, tile)
			c := dial(t, address)
			c.send(get("/before"))
			c.want("200 server /before")
			c.send(get("/before"))
			c.want("200 connection /before")
			for i, text := range row.send {
				if i > 0 {
					time.Sleep(20 * time.Millisecond) // for the parts to come one by one; that they do not is no failure
				}
				c.send(text)
			}
			for _, want := range row.want {
				c.want(want)
			}
			c.send(get("/after"))
			c.want("200 server /after")
		})
	}
}

// TestRequestsThatComeEarly sends the next request while net/http has not finished
// the one before, and watches whether the client leaves.
func TestRequestsThatComeEarly(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	_, path, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cold/slow" && !nowait.In(r.Context()) {
			entered <- struct{}{}
			<-release
		}
		tile(w, r)
	})
	c := dial(t, address)
	for range 2 {
		c.send(get("/cold/slow"))
		<-entered
		c.send(get("/b"))
		time.Sleep(20 * time.Millisecond) // for its first byte to be read; that it is not is no failure
		release <- struct{}{}
		c.want("200 server /cold/slow")
		c.want("200 connection /b")
	}
	for i := range 200 {
		c.send(get("/cold/" + strconv.Itoa(i)))
		c.want("200 server /cold/" + strconv.Itoa(i))
		c.send(get("/c"))
		c.want("200 connection /c")
	}
	wantAnswered(t, path, 202)
}

// TestBytesKeepTheirOrder watches twice while one byte has come early, and then
// reads in a way that net/http does not.
func TestBytesKeepTheirOrder(t *testing.T) {
	here, there := tcpPair(t)
	c := &conn{TCPConn: there, phase: busy}
	if _, err := io.WriteString(here, "GET /"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		time.AfterFunc(10*time.Millisecond, func() { _ = c.SetReadDeadline(time.Now().Add(-time.Hour)) })
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the watch gives %d bytes and %v, want none and the deadline", n, err)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "GET /" {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestConnectionsDoNotMix asks on many connections, some of whose requests are left.
func TestConnectionsDoNotMix(t *testing.T) {
	_, path, address := serve(t, tile)
	var group sync.WaitGroup
	for i := range 8 {
		c := dial(t, address)
		group.Go(func() {
			for j := range 200 {
				name := fmt.Sprintf("/%d/%d", i, j)
				if j%5 == 0 {
					name = "/cold" + name
				}
				if _, err := io.WriteString(c, get(name)); err != nil {
					t.Error(err)
					return
				}
				r, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(r.Body); err != nil || !strings.HasPrefix(string(body), name+" ") {
					t.Errorf("%s was answered with %.20q, %v", name, body, err)
				}
			}
		})
	}
	group.Wait()
	wantAnswered(t, path, 8*160)
}

// TestConnectionsCanWhatNetHTTPLooksFor sends files by sendfile, and lets a client
// read why it was refused before its connection ends.
func TestConnectionsCanWhatNetHTTPLooksFor(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := onewrite.Listener(New(http.NotFoundHandler()).Listener(&http.Server{}, inner))
	defer listener.Close()
	dial(t, inner.Addr().String())
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(io.ReaderFrom); !ok {
		t.Error("a connection has no ReadFrom")
	}
	if _, ok := c.(interface{ CloseWrite() error }); !ok {
		t.Error("a connection has no CloseWrite")
	}
}

// TestNothingOfARequestIsKept would find a credential in a later request's
// exchange.
func TestNothingOfARequestIsKept(t *testing.T) {
	x := newExchange()
	if !x.read(get("/a?grant=secret", "Authorization: Bearer secret", "Cookie: a=secret", "Cookie: b=secret")) {
		t.Fatal("the request was not read")
	}
	x.out.header["X"] = []string{"secret"}
	x.forget()
	if text := fmt.Sprintf("%+v", x); strings.Contains(text, "secret") {
		t.Errorf("the exchange still has the request: %.300s", text)
	}
}

// asker gives what asks for a tile of 18 KiB over one connection and allocates
// nothing itself; the handler leaves what is below /cold/.
func asker(t testing.TB, name string) (ask func(), path *Path) {
	t.Helper()
	body := make([]byte, 18<<10)
	length := []string{strconv.Itoa(len(body))}
	_, path, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if nowait.In(r.Context()) && strings.HasPrefix(r.URL.Path, "/cold/") {
			return
		}
		w.Header()["Content-Length"] = length
		_, _ = w.Write(body)
	})
	c := dial(t, address)
	request, answer := []byte(get(name, "Accept: image/jpeg")), make([]byte, 32<<10)
	return func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for got, want := 0, -1; want < 0 || got < want; {
			n, err := c.Read(answer[got:])
			if err != nil {
				t.Fatal(err)
			}
			got += n
			if end := bytes.Index(answer[:got], []byte("\r\n\r\n")); end >= 0 {
				want = end + 4 + len(body)
			}
		}
	}, path
}

func TestAnswersAllocateLittle(t *testing.T) {
	ask, path := asker(t, "/a")
	ask()
	const most = 4 // the request as text, http.Request, its URL and what the runtime itself does
	if allocations := testing.AllocsPerRun(200, ask); allocations > most {
		t.Errorf("an answer takes %.1f allocations, want at most %d", allocations, most)
	}
	if path.Answered() < 200 {
		t.Errorf("%d answers were given on the connection, want all but the first", path.Answered())
	}
}

// What a request costs before and after the handler, both ends of a socket
// included.
func BenchmarkAnswer(b *testing.B) {
	for by, name := range map[string]string{"connection": "/a", "server": "/cold/a"} {
		b.Run(by, func(b *testing.B) {
			ask, _ := asker(b, name)
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}
