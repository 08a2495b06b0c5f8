package lambdaadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/pims-cloud/pims/fault"
)

// HTTP runs an http.Handler as a Lambda function. It is safe for concurrent use.
type HTTP struct {
	next   http.Handler
	config Config
	log    *slog.Logger
}

// NewHTTP makes the function of a handler; log may be nil.
func NewHTTP(next http.Handler, config Config, log *slog.Logger) *HTTP {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &HTTP{next: next, config: config, log: log}
}

// Start serves invocations until the platform ends the process. It does not
// return.
func (h *HTTP) Start() {
	if h.config.Response == Stream {
		lambda.Start(h.Stream)
		return
	}
	lambda.Start(h)
}

// Invoke answers one invocation with the whole reply. An error means that the
// invocation was no HTTP request.
func (h *HTTP) Invoke(ctx context.Context, raw []byte) ([]byte, error) {
	p, err := decodePayload(raw)
	if err != nil {
		return nil, err
	}
	r, err := p.request(ctx)
	if err != nil {
		return nil, err
	}
	out := newRecorder(r.Method, maxReplyBytes)
	if err := h.serve(out, r); err != nil {
		return nil, err
	}
	reply, whole, err := out.encode(p.isV1())
	if !whole && err == nil {
		h.log.WarnContext(ctx, "reply too large for a function in buffered mode", "path", r.URL.Path, "limit", maxReplyBytes,
			"remedy", "a smaller size, or a function URL with LAMBDA_RESPONSE=stream")
	}
	return reply, err
}

// Stream answers one invocation with a reply whose body is sent while it is
// made. The platform must be in invoke mode RESPONSE_STREAM.
func (h *HTTP) Stream(ctx context.Context, raw json.RawMessage) (*events.LambdaFunctionURLStreamingResponse, error) {
	p, err := decodePayload(raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r, err := p.request(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	out := newStreamer(r.Method, cancel)
	go func() {
		out.finish(h.serve(out, r))
	}()
	return out.response(), nil
}

// serve runs the handler and contains its panics: the process goes on.
func (h *HTTP) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if e, ok := cause.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			err = fault.New(fault.Internal, "reply-cut", "The reply was cut short.")
			return
		}
		h.log.ErrorContext(r.Context(), "panic while serving", "panic", cause, "path", r.URL.Path, "stack", string(debug.Stack()))
		err = fault.New(fault.Internal, "internal", "An unexpected error occurred; the log has the details.").
			Because(fmt.Errorf("panic: %v", cause))
	}()
	h.next.ServeHTTP(w, r)
	return nil
}
