package lambdaadapter

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-lambda-go/events"
)

// streamer is the ResponseWriter of a streamed reply: what the handler writes
// is read by the runtime at the other end of a pipe.
type streamer struct {
	header http.Header
	method string
	cancel context.CancelFunc

	once   sync.Once
	status int
	sent   http.Header
	ready  chan struct{} // closed when status and sent are fixed
	done   chan struct{} // closed when the handler has returned
	read   *io.PipeReader
	write  *io.PipeWriter
}

func newStreamer(method string, cancel context.CancelFunc) *streamer {
	s := &streamer{header: http.Header{}, method: method, cancel: cancel,
		ready: make(chan struct{}), done: make(chan struct{})}
	s.read, s.write = io.Pipe()
	return s
}

// Header is the reply's header until the status is written.
func (s *streamer) Header() http.Header { return s.header }

// WriteHeader lets the reply begin.
func (s *streamer) WriteHeader(status int) {
	if status < 200 {
		return
	}
	s.once.Do(func() {
		s.status, s.sent = status, s.header.Clone()
		close(s.ready)
	})
}

// Write blocks until the runtime has taken the bytes.
func (s *streamer) Write(p []byte) (int, error) {
	if s.header.Get("Content-Type") == "" && s.header.Get("Content-Encoding") == "" && len(p) > 0 {
		// Too late when the status is out; then it changes nothing.
		s.header.Set("Content-Type", http.DetectContentType(p))
	}
	s.WriteHeader(http.StatusOK)
	switch {
	case !bodyAllowed(s.status):
		return 0, http.ErrBodyNotAllowed
	case s.method == http.MethodHead, len(p) == 0:
		return len(p), nil
	default:
		return s.write.Write(p)
	}
}

// Flush sends the header; what was written is on its way already.
func (s *streamer) Flush() { s.WriteHeader(http.StatusOK) }

// finish ends the reply; with an error the client sees that it is cut short.
func (s *streamer) finish(err error) {
	if err != nil {
		s.WriteHeader(http.StatusInternalServerError)
	}
	s.WriteHeader(http.StatusOK)
	_ = s.write.CloseWithError(err) // never fails; nil means the end
	close(s.done)
}

// response waits for the header and gives the reply to the runtime.
func (s *streamer) response() *events.LambdaFunctionURLStreamingResponse {
	<-s.ready
	headers, cookies := flatHeader(s.sent, s.method == http.MethodHead || !bodyAllowed(s.status))
	return &events.LambdaFunctionURLStreamingResponse{StatusCode: s.status, Headers: headers, Cookies: cookies, Body: s}
}

// Read is the runtime's end.
func (s *streamer) Read(p []byte) (int, error) { return s.read.Read(p) }

// Close stops a handler whose client is gone, and waits for it: nothing of one
// invocation may run on into the next.
func (s *streamer) Close() error {
	s.cancel()
	err := s.read.Close()
	<-s.done
	return err
}
