package telemetry

import (
	"io"
	"net/http"
)

// response remembers what was sent through it.
type response struct {
	http.ResponseWriter
	status int
	sent   int64
}

// Unwrap lets http.ResponseController reach deadlines and hijacking.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader remembers the final status; informational ones pass by.
func (r *response) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.sent += int64(n)
	return n, err
}

// ReadFrom keeps sendfile working for files.
func (r *response) ReadFrom(from io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
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
		r.status = http.StatusOK
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}
