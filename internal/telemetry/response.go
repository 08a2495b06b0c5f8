package telemetry

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// response remembers what was sent through it, and adds what is known when the
// headers go out.
type response struct {
	http.ResponseWriter
	status int
	sent   int64

	id    string
	start time.Time
	steps timing.Steps
	tally objectstore.Tally
	scope scope
	debug bool
	// slots back the header values that every answer has: one allocation with
	// the response itself.
	slots [slots]string
}

const (
	requestIDSlot = iota
	timingSlot
	slots
)

const (
	timingHeader = "Server-Timing"
	// DebugHeader in a request asks for readsHeader and readBytesHeader in the
	// answer.
	DebugHeader     = "X-Pims-Debug"
	readsHeader     = "X-Pims-Source-Reads"
	readBytesHeader = "X-Pims-Source-Bytes"
)

// header sets a header whose name is in canonical form.
func (r *response) header(slot int, name, value string) {
	r.slots[slot] = value
	r.Header()[name] = r.slots[slot : slot+1 : slot+1]
}

// tell adds what the request came to until its headers go out.
func (r *response) tell() {
	var buffer [256]byte
	r.header(timingSlot, timingHeader, string(r.steps.Append(buffer[:0], time.Since(r.start))))
	if r.debug {
		h := r.Header()
		h.Set(readsHeader, strconv.FormatInt(r.tally.Reads.Load(), 10))
		h.Set(readBytesHeader, strconv.FormatInt(r.tally.Bytes.Load(), 10))
	}
}

// scope is the context of a request: it knows what is accounted where.
type scope struct {
	context.Context
	response *response
}

// Value implements context.Context.
func (s *scope) Value(key any) any {
	switch key.(type) {
	case requestIDKey:
		return s.response.id
	case timing.Key:
		return &s.response.steps
	case objectstore.TallyKey:
		return &s.response.tally
	}
	return s.Context.Value(key)
}

// Unwrap lets http.ResponseController reach deadlines and hijacking.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader remembers the final status; informational ones pass by.
func (r *response) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
		r.tell()
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(p)
	r.sent += int64(n)
	return n, err
}

// ReadFrom keeps sendfile working for files.
func (r *response) ReadFrom(from io.Reader) (int64, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := io.Copy(r.ResponseWriter, from)
	r.sent += n
	return n, err
}

// Flush is FlushError for who only knows http.Flusher.
func (r *response) Flush() { _ = r.FlushError() }

// FlushError is for server-sent events; http.ErrNotSupported tells that the
// writer below keeps everything until the end (a function in buffered mode).
func (r *response) FlushError() error {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}
