package fastpath

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxFields is how many header lines a request may have; browsers send some 15.
const maxFields = 32

// exchange is what a request and its answer take. Connections share exchanges:
// they last microseconds.
type exchange struct {
	message message
	header  http.Header
	values  [maxFields]string // behind header's
	out     answer
}

func newExchange() *exchange {
	return &exchange{header: http.Header{}, out: answer{header: http.Header{}, head: make([]byte, 0, 1<<10)}}
}

// read tells whether text is one whole request.
func (x *exchange) read(text string) (ok bool) {
	x.message, ok = parse(text, x.header, x.values[:0])
	return ok
}

// answer lets the handler answer what was read.
func (x *exchange) answer(c *conn) (answered bool, err error) {
	r := *c.listener.request
	target := x.message.target
	r.URL, r.RequestURI, r.Host, r.RemoteAddr, r.Header = &target, x.message.uri, x.message.host, c.remote, x.header
	x.out.tcp = c.TCPConn
	c.listener.path.handler.ServeHTTP(&x.out, &r)
	return x.out.finish()
}

// forget keeps nothing of a request, which may have had a credential.
func (x *exchange) forget() {
	clear(x.header)
	clear(x.values[:])
	clear(x.out.header)
	x.message = message{}
	x.out = answer{header: x.out.header, head: x.out.head[:0]}
}

// answer is an http.ResponseWriter that sends an answer by one system call.
type answer struct {
	tcp    *net.TCPConn
	header http.Header
	head   []byte
	status int
	sent   bool
	err    error

	pieces [2][]byte // of a writev, so that it allocates nothing
	both   net.Buffers
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(body []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	length, err := strconv.Atoi(a.header.Get("Content-Length"))
	switch {
	case a.err != nil:
	case a.sent || err != nil || length != len(body):
		a.err = partial{}
	default:
		a.send(body)
	}
	if a.err != nil {
		return 0, a.err
	}
	return len(body), nil
}

// finish sends an answer that has no body, and tells whether there was an answer.
func (a *answer) finish() (answered bool, err error) {
	switch {
	case a.status == 0:
		return false, nil
	case a.status == http.StatusNotModified && !a.sent && a.err == nil:
		a.send(nil)
	case !a.sent && a.err == nil:
		a.err = partial{}
	}
	return a.err == nil, a.err
}

func (a *answer) send(body []byte) {
	a.sent = true
	a.appendHead()
	a.pieces = [2][]byte{a.head, body}
	a.both = a.pieces[:]
	_, a.err = a.both.WriteTo(a.tcp)
}

// partial is the error of an answer that is not whole.
type partial struct{}

// Error implements error.
func (partial) Error() string { return "the answer was not written in one piece of the length it says" }

// appendHead writes the status line and the headers (RFC 9112 §4 and §5).
func (a *answer) appendHead() {
	out := append(a.head, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(a.status), 10)
	out = append(out, ' ')
	out = append(out, http.StatusText(a.status)...)
	out = append(out, "\r\nDate: "...)
	out = time.Now().UTC().AppendFormat(out, http.TimeFormat)
	for name, values := range a.header {
		for _, value := range values {
			out = append(out, "\r\n"...)
			out = append(out, name...)
			out = append(out, ": "...)
			out = append(out, oneLine(value)...)
		}
	}
	a.head = append(out, "\r\n\r\n"...)
}

// oneLine keeps a value from being more than one, as net/http does.
func oneLine(value string) string {
	if strings.IndexByte(value, '\n') < 0 && strings.IndexByte(value, '\r') < 0 {
		return value
	}
	return strings.NewReplacer("\n", " ", "\r", " ").Replace(value)
}
