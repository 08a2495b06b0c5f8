package fastpath

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/nowait"
)

func TestTheServerClosesWhatIsToBeClosed(t *testing.T) {
	for _, request := range []string{get("/a", "Connection: close"), "GET /a HTTP/1.0\r\n\r\n"} {
		_, _, address := serve(t, tile)
		c := dial(t, address)
		c.send(get("/before"))
		c.want("200 server /before")
		c.send(request)
		c.want("200 server /a")
		if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("after %q: %v, want the end of the connection", request, err)
		}
	}
}

// TestClientsThatLeaveAreNoticed lets net/http end the context of its request.
func TestClientsThatLeaveAreNoticed(t *testing.T) {
	entered, gone := make(chan struct{}), make(chan struct{})
	_, _, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cold/slow" && !nowait.In(r.Context()) {
			close(entered)
			<-r.Context().Done()
			close(gone)
		}
		tile(w, r)
	})
	c := dial(t, address)
	c.send(get("/a"))
	c.want("200 server /a")
	c.send(get("/cold/slow"))
	<-entered
	c.Close()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("nobody noticed that the client left")
	}
}

func TestIdleConnectionsAreClosedAtOnce(t *testing.T) {
	server, _, address := serve(t, tile)
	c := dial(t, address)
	for range 3 {
		c.send(get("/a"))
		c.receive()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection gives %v, want its end", err)
	}
}

// TestAnAnswerUnderWayIsFinished shuts the server down while the handler answers
// on a connection that net/http takes for idle.
func TestAnAnswerUnderWayIsFinished(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, _, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if nowait.In(r.Context()) {
			entered <- struct{}{}
			<-release
		}
		tile(w, r)
	})
	c := dial(t, address)
	c.send(get("/a"))
	c.want("200 server /a")
	c.send(get("/b"))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	close(release)
	c.want("200 connection /b")
	if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the answer: %v, want the end of the connection", err)
	}
}

func TestConnectionsThatBringNothingEnd(t *testing.T) {
	_, _, address := servePatiently(t, tile, time.Second)
	c := dial(t, address)
	c.send(get("/a"))
	c.want("200 server /a")
	// At once, but a busy machine may take more than the second, and end it here.
	if _, err := io.WriteString(c, get("/a")); err == nil {
		if r, err := http.ReadResponse(c.in, nil); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}
	if _, err := c.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection gives %v, want its end", err)
	}
}

// TestDeadlinesArePutOff answers often enough for the deadline that net/http set
// to pass.
func TestDeadlinesArePutOff(t *testing.T) {
	here, there := tcpPair(t)
	c := &conn{TCPConn: there, listener: &listener{patience: time.Hour}}
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	c.renew()
	if _, err := io.WriteString(here, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TCPConn.Read(make([]byte, 1)); err != nil {
		t.Errorf("after the deadline was put off: %v", err)
	}
	before := c.renewed
	if c.renew(); c.renewed != before {
		t.Error("a deadline that is hardly older is set again")
	}
}

// TestBusyConnectionsLive asks on the connection for longer than one that brings
// nothing may last.
func TestBusyConnectionsLive(t *testing.T) {
	server, _, address := servePatiently(t, tile, time.Second)
	for end := time.Now().Add(patience); ; {
		lived, silent := life(t, address, 2*server.IdleTimeout)
		switch {
		case lived:
			return
		case silent < server.IdleTimeout/2:
			t.Fatalf("a connection ended %v after an answer, with %v for those that bring nothing", silent, server.IdleTimeout)
		case time.Now().After(end):
			t.Skip("this machine is too busy to ask once in half a second")
		}
	}
}

// life asks again and again on one connection for so long, and tells how long that
// was silent when it ended before.
func life(t *testing.T, address string, span time.Duration) (lived bool, silent time.Duration) {
	c := dial(t, address)
	last := time.Now()
	for end := last.Add(span); last.Before(end); {
		if _, err := io.WriteString(c, get("/a")); err != nil {
			return false, time.Since(last)
		}
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			return false, time.Since(last)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return false, time.Since(last)
		}
		last = time.Now()
		time.Sleep(20 * time.Millisecond)
	}
	return true, 0
}

func tcpPair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled.(*net.TCPConn), accepted.(*net.TCPConn)
}

// TestAnswersThatAreNotWholeCutTheConnection also sees that the server lives on.
func TestAnswersThatAreNotWholeCutTheConnection(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no length": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "abc") },
		"no body":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"wrong length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			w.Write([]byte("abc"))
		},
		"two pieces": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.Write([]byte("abc"))
			w.Write([]byte("abc"))
		},
		"a panic": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			_, path, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if nowait.In(r.Context()) {
					handler(w, r)
					return
				}
				tile(w, r)
			})
			for range 2 {
				c := dial(t, address)
				c.send(get("/a"))
				c.want("200 server /a")
				c.send(get("/b"))
				if rest, err := io.ReadAll(c.in); err != nil || bytes.Count(rest, []byte("abc")) > 1 || bytes.Contains(rest, []byte(at)) {
					t.Fatalf("the connection gives %q, %v, want its end", rest, err)
				}
			}
			wantAnswered(t, path, 0)
		})
	}
}

// TestClientsThatDoNotReadDoNotHoldTheServer fills a connection, and closes the
// server meanwhile.
func TestClientsThatDoNotReadDoNotHoldTheServer(t *testing.T) {
	body := make([]byte, 64<<20) // more than any socket buffers
	entered, left := make(chan struct{}), make(chan error, 1)
	server, _, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !nowait.In(r.Context()) {
			tile(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		close(entered)
		_, err := w.Write(body)
		left <- err
	})
	c := dial(t, address)
	c.send(get("/a"))
	c.want("200 server /a")
	c.send(get("/b"))
	<-entered
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-left; err == nil {
		t.Error("a body that nobody read was written")
	}
}
