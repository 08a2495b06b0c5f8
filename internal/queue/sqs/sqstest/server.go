// Package sqstest is an SQS-compatible server inside the test's process: the
// AWS JSON 1.0 protocol over real HTTP, with visibility timeouts, long polling,
// message attributes, digests and redrive policies, on a clock that tests move.
//
// It is what the AWS SDK and the CLI talk to; signatures are not checked.
// Queues are standard queues: no order, no groups, no deduplication.
package sqstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/internal/queue"
)

// account and region stand in queue URLs and ARNs.
const (
	account = "000000000000"
	region  = "eu-west-1"
)

// maxRequestBytes is SQS's own bound on a request: a batch of 256 KiB, and
// what its JSON adds.
const maxRequestBytes = 2 << 20

// Server is a running server.
type Server struct {
	clock queue.Clock
	http  *httptest.Server

	mu     sync.Mutex // guards everything below
	queues map[string]*memoryQueue
	denied *apiError
}

// Start runs a server until the test ends.
func Start(t testing.TB, clock queue.Clock) *Server {
	t.Helper()
	s := &Server{clock: clock, queues: map[string]*memoryQueue{}}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// URL is the server's endpoint.
func (s *Server) URL() string { return s.http.URL }

// Create makes a queue, with SQS's attributes, and gives its URL.
func (s *Server) Create(name string, attributes map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		s.queues[name] = newMemoryQueue(name)
	}
	for k, v := range attributes {
		s.queues[name].attributes[k] = v
	}
	return s.queueURL(name)
}

func (s *Server) queueURL(name string) string { return s.http.URL + "/" + account + "/" + name }

// Bodies gives the bodies of a queue's messages, whether visible or not, in
// order of sending; nil when there is no such queue.
func (s *Server) Bodies(name string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return nil
	}
	var out [][]byte
	for _, m := range q.messages {
		out = append(out, []byte(m.body))
	}
	return out
}

// Deny answers every request from now on with this error.
func (s *Server) Deny(status int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = &apiError{status: status, code: code, text: "not allowed"}
}

// apiError is an error as the protocol carries it.
type apiError struct {
	status int
	code   string // shape name
	query  string // code of the older query protocol, where it is another one
	text   string
}

func (e *apiError) Error() string { return e.code + ": " + e.text }

func bad(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, text: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one action.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply, err := s.serve(r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	var known *apiError
	switch {
	case err == nil:
		if reply != nil {
			json.NewEncoder(w).Encode(reply)
		} else {
			io.WriteString(w, "{}")
		}
	case errors.As(err, &known):
		if known.query != "" {
			w.Header().Set("x-amzn-query-error", known.query+";Sender")
		}
		w.WriteHeader(known.status)
		json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + known.code, "message": known.text})
	default:
		w.WriteHeader(http.StatusInternalServerError)
		json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#InternalError", "message": err.Error()})
	}
}

func (s *Server) serve(r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, &apiError{status: http.StatusMethodNotAllowed, code: "UnsupportedOperation", text: r.Method}
	}
	s.mu.Lock()
	denied := s.denied
	s.mu.Unlock()
	if denied != nil {
		return nil, denied
	}
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !ok {
		return nil, bad("InvalidAction", "no X-Amz-Target: AmazonSQS.…")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequestBytes))
	if err != nil {
		return nil, bad("InvalidRequest", "%v", err)
	}
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad("SerializationException", "%v", err)
	}
	return s.act(r.Context(), action, &in)
}
