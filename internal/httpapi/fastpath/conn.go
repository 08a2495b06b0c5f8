package fastpath

import (
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection of an http.Server. The server calls Read and says that the
// connection is idle from one goroutine at a time: its watch for clients that
// leave has ended before.
type conn struct {
	*net.TCPConn
	listener *listener
	remote   string

	phase   phase
	early   string    // what was read of the next request and net/http does not have
	left    int       // requests in a row that were net/http's
	renewed time.Time // the deadline for the next request, last

	closing atomic.Int32 // one of the states below
}

// phase is what net/http has of a connection.
type phase uint8

const (
	begun   phase = iota // nothing yet
	busy                 // one whole request
	between              // no more than it has answered
	foreign              // something that is not understood here
)

// States of conn.closing: who closes a connection does not cut an answer.
const (
	open int32 = iota
	answering
	closed
)

// idle is told by net/http that all it had of a connection is answered.
func idle(c net.Conn) {
	if outer, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = outer.NetConn()
	}
	if own, ok := c.(*conn); ok && own.phase == busy {
		own.phase = between
	}
}

// Read implements net.Conn. It returns what net/http is to answer.
func (c *conn) Read(p []byte) (int, error) {
	if c.phase == busy {
		if len(p) == 1 {
			return c.watch(p)
		}
		c.phase = foreign // net/http reads in another way than is known here
	}
	for {
		early := copy(p, c.early)
		c.early = c.early[early:]
		if early > 0 && c.phase == foreign {
			return early, nil
		}
		n, err := c.TCPConn.Read(p[early:])
		n += early
		if n == 0 || err != nil || c.phase == foreign {
			return n, err
		}
		answered, err := c.take(p[:n])
		if err != nil {
			return 0, err
		}
		if !answered {
			return n, nil
		}
	}
}

// watch is the Read by which net/http, while it answers, learns that a client has
// left: it asks for one byte, and ends that by a deadline. A client that has its
// answer may send the next request before that: net/http would keep its first
// byte, and the request would be its own. So it is told of nothing but the end.
func (c *conn) watch(p []byte) (int, error) {
	if c.early == "" {
		n, err := c.TCPConn.Read(p)
		if n == 0 || err != nil {
			return n, err
		}
		c.early = string(p)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	return 0, raw.Read(func(uintptr) bool { return false }) // until the deadline
}

// take looks at what came between two requests, and tells whether it was answered.
func (c *conn) take(p []byte) (answered bool, err error) {
	x := c.listener.path.exchanges.Get().(*exchange)
	defer c.listener.path.exchanges.Put(x)
	defer x.forget()
	try := c.phase == between && c.promising()
	if !x.read(string(p)) {
		c.phase = foreign
		return false, nil
	}
	c.phase = busy
	c.left++
	if !try {
		return false, nil
	}
	if !c.closing.CompareAndSwap(open, answering) {
		return false, net.ErrClosed
	}
	defer c.done()
	if answered, err = x.answer(c); answered {
		c.phase, c.left = between, 0
		c.listener.path.answered.Add(1)
		c.renew()
	}
	return answered, err
}

// promising tells whether to ask the handler. Whoever looks at a part of a slide
// for the first time finds none of it in memory, and asking in vain is a tenth of
// a tile from the disk: after some requests that were left, only one of several
// asks. That is an odd number, so that of two kinds that take turns both are asked.
func (c *conn) promising() bool {
	const inVain, several = 2, 5
	return c.left <= inVain || c.left%several == 0
}

// done closes the connection if somebody wanted that meanwhile.
func (c *conn) done() {
	if !c.closing.CompareAndSwap(answering, open) {
		_ = c.TCPConn.Close() // nobody is left to be told
	}
}

// renew puts off the end of a connection that brings nothing, as net/http does
// after each request that it answers. Deadlines are not free: one that is a
// little old will do.
func (c *conn) renew() {
	patience := c.listener.patience
	if now := time.Now(); patience > 0 && now.Sub(c.renewed) > patience/64 {
		c.renewed = now
		_ = c.SetReadDeadline(now.Add(patience)) // fails on a closed connection, which the next Read tells
	}
}

// lastWrite bounds how long an answer may take that is under way when its
// connection is closed.
const lastWrite = 2 * time.Second

// Close implements net.Conn. An answer that is being written is finished first,
// by whoever writes it.
func (c *conn) Close() error {
	if c.closing.Swap(closed) == answering {
		return c.SetWriteDeadline(time.Now().Add(lastWrite))
	}
	return c.TCPConn.Close()
}
