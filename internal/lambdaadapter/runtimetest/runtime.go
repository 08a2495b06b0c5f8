// Package runtimetest runs real function binaries without a cloud: it answers
// them as the Lambda Runtime API (version 2018-06-01) does, and stands in front
// of them as API Gateway or a function URL does.
//
// Requests and replies go through real processes and real sockets; nothing of
// the function is replaced. One Function runs one process and gives it one
// invocation at a time, as the platform does with an execution environment.
package runtimetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const apiVersion = "/2018-06-01"

// FunctionError is what a function reported instead of a reply.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error is type and message.
func (e *FunctionError) Error() string { return "function error " + e.Type + ": " + e.Message }

// errEnded is why an invocation has no reply when the process has ended.
var errEnded = errors.New("runtimetest: the function's process ended")

// Reply is what a function returned.
type Reply struct {
	ContentType string
	// Body ends with an error when the function broke off. It must be closed.
	Body io.ReadCloser
}

// invocation is one event on its way through the function.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	replied  chan result // takes one
	finished chan struct{}
	once     sync.Once
}

type result struct {
	reply Reply
	err   error
}

// finish lets the function's post return: the caller is done with the body.
func (inv *invocation) finish() { inv.once.Do(func() { close(inv.finished) }) }

// api is the Runtime API of one process.
type api struct {
	queue chan *invocation
	ended chan struct{} // closed when the process has ended

	mu      sync.Mutex
	present *invocation // the one the function works on
	initErr *FunctionError
}

func newAPI() *api { return &api{queue: make(chan *invocation), ended: make(chan struct{})} }

// handler has the endpoints next, response, error and init/error.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/runtime/invocation/next", a.next)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/error", a.failed)
	mux.HandleFunc("POST "+apiVersion+"/runtime/init/error", a.initFailed)
	return mux
}

// next waits for an event. Asking again ends the invocation before.
func (a *api) next(w http.ResponseWriter, r *http.Request) {
	select {
	case inv := <-a.queue:
		a.mu.Lock()
		a.present = inv
		a.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:runtimetest")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(inv.payload)
	case <-r.Context().Done():
	}
}

// take gives the invocation with this id, once.
func (a *api) take(id string) (*invocation, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	inv := a.present
	if inv == nil || inv.id != id {
		return nil, false
	}
	a.present = nil
	return inv, true
}

// maxBuffered is the platform's bound on a reply in whole.
const maxBuffered = 6 << 20

// response passes the reply on while it arrives. A reply in whole over the
// platform's bound is refused with 413, as the platform does.
func (a *api) response(w http.ResponseWriter, r *http.Request) {
	inv, ok := a.take(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "there is no such invocation")
		return
	}
	kind := r.Header.Get("Content-Type")
	if !isStream(kind) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBuffered))
		if err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the reply is over the bound")
			inv.replied <- result{err: &FunctionError{Type: "Function.ResponseSizeTooLarge", Message: err.Error()}}
			return
		}
		inv.replied <- result{reply: Reply{ContentType: kind, Body: io.NopCloser(bytes.NewReader(body))}}
		accepted(w)
		return
	}
	// The function's post must not return before the body is read to its end,
	// or the server would close it.
	inv.replied <- result{reply: Reply{ContentType: kind, Body: &streamBody{request: r, inv: inv}}}
	select {
	case <-inv.finished:
	case <-r.Context().Done():
	}
	accepted(w)
}

func isStream(contentType string) bool {
	return strings.HasPrefix(contentType, "application/vnd.awslambda.http-integration-response")
}

// streamBody is a streamed reply. A function that breaks off says so in the
// trailer, which is an error to the reader.
type streamBody struct {
	request *http.Request
	inv     *invocation
}

func (s *streamBody) Read(p []byte) (int, error) {
	n, err := s.request.Body.Read(p)
	if err == io.EOF {
		if kind := s.request.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
			failed := &FunctionError{Type: kind}
			if text, decodeErr := base64.StdEncoding.DecodeString(s.request.Trailer.Get("Lambda-Runtime-Function-Error-Body")); decodeErr == nil {
				_ = json.Unmarshal(text, failed) // the type is enough when it can not be read
			}
			return n, failed
		}
	}
	return n, err
}

// Close takes in what is left, as the platform does for a client that went
// away: a runtime that can not send its reply ends the process.
func (s *streamBody) Close() error {
	_, err := io.Copy(io.Discard, s.request.Body)
	s.inv.finish()
	return err
}

func (a *api) failed(w http.ResponseWriter, r *http.Request) {
	inv, ok := a.take(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "there is no such invocation")
		return
	}
	inv.replied <- result{err: readError(r)}
	accepted(w)
}

func (a *api) initFailed(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.initErr = readError(r)
	a.mu.Unlock()
	accepted(w)
}

func readError(r *http.Request) *FunctionError {
	out := &FunctionError{Type: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBuffered))
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		out.Message = fmt.Sprintf("the error report can not be read: %v", err)
	}
	return out
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(FunctionError{Type: kind, Message: message})
}

// invoke hands the payload to the process and waits for the start of its reply.
func (a *api) invoke(ctx context.Context, id string, payload []byte, timeout time.Duration) (Reply, error) {
	inv := &invocation{id: id, payload: payload, deadline: time.Now().Add(timeout),
		replied: make(chan result, 1), finished: make(chan struct{})}
	select {
	case a.queue <- inv:
	case <-a.ended:
		return Reply{}, a.whyEnded()
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	select {
	case got := <-inv.replied:
		return got.reply, got.err
	case <-a.ended:
		select { // it may have replied and ended
		case got := <-inv.replied:
			return got.reply, got.err
		default:
			return Reply{}, a.whyEnded()
		}
	case <-ctx.Done():
		inv.finish()
		return Reply{}, ctx.Err()
	}
}

func (a *api) whyEnded() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.initErr != nil {
		return a.initErr
	}
	return errEnded
}
