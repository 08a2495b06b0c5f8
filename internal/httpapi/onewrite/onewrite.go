// Package onewrite sends an answer's headers and body in one system call.
//
// net/http writes what it was given in pieces of its 4 KiB buffer: the headers
// with the first bytes of the body, then the rest. Each piece is a packet of its
// own that wakes the client, which for a tile from memory is a fifth of all that
// it costs. A connection of this package holds the first piece back when a
// handler has announced (Expect) that a body follows, and sends both together
// with writev.
package onewrite

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
)

// Listener makes the connections that inner accepts such ones. Others than TCP
// connections, and what embeds them, are left as they are.
func Listener(inner net.Listener) net.Listener {
	return listener{inner, &sync.Pool{New: func() any { return new(piece) }}}
}

type listener struct {
	net.Listener
	pool *sync.Pool // of pieces: they are held for microseconds, so connections share them
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(tcpConn); ok {
		return &conn{tcpConn: tcp, pool: l.pool}, nil
	}
	return accepted, err
}

type connKey struct{}

// ConnContext is for http.Server: it lets Expect find the connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

// Expect tells the connection of a request's context that the handler will now
// write a body of exactly n bytes, whose length is in the headers and of which
// nothing was written yet. It must be called by the handler's own goroutine, and
// not for HEAD. Without such a connection nothing happens.
func Expect(ctx context.Context, n int) {
	if n <= buffered {
		return // net/http sends it in one piece, or nearly so
	}
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.body = n
	}
}

// buffered is what net/http gathers before it writes to a connection.
const buffered = 4 << 10

// tcpConn is a TCP connection, or one that embeds it and so has its writev. The
// methods are those that net/http looks for.
type tcpConn interface {
	net.Conn
	io.ReaderFrom
	CloseWrite() error
}

// conn is a TCP connection that is written by one goroutine at a time, as
// net/http does.
type conn struct {
	tcpConn
	pool   *sync.Pool
	body   int // announced and not yet begun
	held   *piece
	pieces [2][]byte // of a writev, so that it allocates nothing
	both   net.Buffers
}

// piece is what net/http wrote first.
type piece struct {
	data [buffered]byte
	n    int
}

// NetConn is the connection that was accepted.
func (c *conn) NetConn() net.Conn { return c.tcpConn }

// ReadFrom implements io.ReaderFrom, which is how files are sent.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if c.held != nil {
		if _, err := c.writeBoth(nil); err != nil {
			return 0, err
		}
	}
	return c.tcpConn.ReadFrom(r)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if c.held != nil {
		return c.writeBoth(p)
	}
	if c.body > 0 && c.hold(p) {
		return len(p), nil
	}
	return c.tcpConn.Write(p)
}

// hold keeps p when it is headers and less than the whole body, so that more is
// certain to come.
func (c *conn) hold(p []byte) bool {
	body := c.body
	c.body = 0
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 || len(p) > buffered || len(p) >= end+4+body {
		return false
	}
	c.held = c.pool.Get().(*piece)
	c.held.n = copy(c.held.data[:], p)
	return true
}

// writeBoth sends what is held and p.
func (c *conn) writeBoth(p []byte) (int, error) {
	first := c.held
	c.held = nil
	c.pieces = [2][]byte{first.data[:first.n], p}
	c.both = c.pieces[:]
	sent, err := c.both.WriteTo(c.tcpConn)
	sent -= int64(first.n)
	c.pool.Put(first)
	c.pieces = [2][]byte{}
	return int(max(sent, 0)), err
}
