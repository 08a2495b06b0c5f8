// Package fastpath answers requests on their connection, before net/http reads
// them, when a handler can do so at once. For a tile that lies in memory, a third
// of all that it costs is what net/http makes for each request: a goroutine that
// watches whether the client leaves, a context, headers read and written.
//
// A connection of this package belongs to an http.Server like any other. Between
// two requests, and only then, it looks at what came. When that is exactly one
// GET request without a body, in the narrow form that parse accepts, the handler
// gets it, in a context in which nothing may wait (package nowait). What the
// handler answers is sent, and net/http never learns of it; when it writes
// nothing, as with everything else that came, net/http gets the bytes as they are.
//
// So that no bytes are ever taken for a request that are none, a connection's
// first request is net/http's, and a connection that once brought anything else
// than one whole request at a time stays net/http's for good.
package fastpath

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pims-cloud/pims/internal/nowait"
)

// Path is the way around net/http. It is safe for concurrent use.
type Path struct {
	handler   http.Handler
	answered  atomic.Uint64
	exchanges sync.Pool
}

// New makes a path to a handler, which must keep nothing of a request when it
// returns, and answers as a whole or not at all: with the status 304, or with one
// Write of as many bytes as Content-Length says. Only Date is added to its
// headers. An answer of another form cuts the connection.
func New(handler http.Handler) *Path {
	p := &Path{handler: handler}
	p.exchanges.New = func() any { return newExchange() }
	return p
}

// Answered is how many requests were answered so far.
func (p *Path) Answered() uint64 { return p.answered.Load() }

// Listener makes the connections that inner accepts such ones; others than TCP
// connections are left as they are. The server must be given what it returns, or
// connections that have it as their NetConn, and must not be changed after. The
// context of requests is its BaseContext, of which ConnContext is not asked; its
// ConnState is called as before, and not for requests that net/http never sees.
func (p *Path) Listener(server *http.Server, inner net.Listener) net.Listener {
	ctx := context.Background()
	if server.BaseContext != nil {
		ctx = server.BaseContext(inner)
	}
	next := server.ConnState
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			idle(c)
		}
		if next != nil {
			next(c, state)
		}
	}
	request := &http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
	return &listener{Listener: inner, path: p, request: request.WithContext(nowait.Context(ctx)), patience: server.IdleTimeout}
}

type listener struct {
	net.Listener
	path     *Path
	request  *http.Request // what all requests have in common
	patience time.Duration // with a connection that brings nothing; 0 for ever
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp, listener: l, remote: tcp.RemoteAddr().String()}, nil
	}
	return accepted, err
}
