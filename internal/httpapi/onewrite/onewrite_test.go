package onewrite

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// pair gives a connection of this package and its client's end.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listener(plain)
	defer l.Close()
	client, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return server.(*conn), client
}

func TestHeadersWaitForTheAnnouncedBody(t *testing.T) {
	c, client := pair(t)
	body := bytes.Repeat([]byte("tile"), 4000)
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 16000\r\n\r\n"), body...)
	Expect(ConnContext(context.Background(), c), len(body))
	if n, err := c.Write(answer[:buffered]); n != buffered || err != nil || c.held == nil {
		t.Fatalf("the first piece: %d bytes, %v, held %t, want all of it, and held", n, err, c.held != nil)
	}
	if n, err := c.Write(answer[buffered:]); n != len(answer)-buffered || err != nil || c.held != nil {
		t.Fatalf("the rest: %d bytes, %v, held %t, want all of it, and nothing held", n, err, c.held != nil)
	}
	got := make([]byte, len(answer))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, answer) {
		t.Fatalf("the client got other bytes (%v)", err)
	}
	if c.body != 0 {
		t.Errorf("a body of %d bytes is still expected", c.body)
	}
}

func TestNothingIsHeldWithoutMoreToCome(t *testing.T) {
	whole := "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 5000)
	for name, row := range map[string]struct {
		expect int
		write  string
	}{
		"nothing announced":     {0, whole[:buffered]},
		"a body that fits":      {100, whole[:buffered]},
		"the whole answer":      {5000, whole},
		"no headers":            {5000, strings.Repeat("x", 4000)},
		"a body that was wrong": {4097, "HTTP/1.1 500 No\r\n\r\n" + strings.Repeat("x", 4097)},
	} {
		t.Run(name, func(t *testing.T) {
			c, client := pair(t)
			Expect(ConnContext(context.Background(), c), row.expect)
			if n, err := c.Write([]byte(row.write)); n != len(row.write) || err != nil || c.held != nil {
				t.Fatalf("%d bytes, %v, held %t", n, err, c.held != nil)
			}
			if _, err := io.ReadFull(client, make([]byte, len(row.write))); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAFileAfterHeldHeadersComesBehindThem(t *testing.T) {
	c, client := pair(t)
	Expect(ConnContext(context.Background(), c), 5000)
	head := "HTTP/1.1 200 OK\r\n\r\n"
	if _, err := io.WriteString(c, head); err != nil || c.held == nil {
		t.Fatalf("%v, held %t", err, c.held != nil)
	}
	if _, err := c.ReadFrom(strings.NewReader("file")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(head)+4)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != head+"file" {
		t.Errorf("the client got %q (%v)", got, err)
	}
}

// TestServerOverSuchConnections mixes answers of all lengths on kept connections.
func TestServerOverSuchConnections(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{ConnContext: ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			Expect(r.Context(), n)
			_, _ = w.Write(bytes.Repeat([]byte{byte(n)}, n))
		}
	})}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(Listener(plain)) })
	defer group.Wait()
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	for _, n := range []int{18000, 1, 4095, 4096, 4097, 4300, 8192, 0, 1 << 20, 5000} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			request, err := http.NewRequest(method, "http://"+plain.Addr().String()+"/"+strconv.Itoa(n), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			want := bytes.Repeat([]byte{byte(n)}, n)
			if method == http.MethodHead {
				want = nil
			}
			if err != nil || !bytes.Equal(body, want) {
				t.Errorf("%s %d: %d bytes (%v), want %d", method, n, len(body), err, len(want))
			}
		}
	}
}
