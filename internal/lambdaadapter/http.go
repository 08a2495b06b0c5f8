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
	next    http.Handler
	config  Config
	results Results // nil: replies are not stored
	log     *slog.Logger
}

// NewHTTP makes the function of a handler. Replies that are too large for it go
// to results, or are refused when that is nil or gives no addresses. log may be
// nil.
func NewHTTP(next http.Handler, config Config, results Results, log *slog.Logger) *HTTP {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if results != nil && !results.CanPresign() {
		results = nil
	}
	if config.ForwardURL != "" {
		next = forward(next, config.ForwardURL, log)
	}
	return &HTTP{next: next, config: config, results: results, log: log}
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
	if h.results != nil {
		out.begin = func(header http.Header, first []byte) *result { return begin(ctx, h.results, header, first) }
	}
	if err := h.serve(out, r); err != nil {
		if out.stored != nil {
			_ = out.stored.end(err) // nothing is stored, as it should be
		}
		return nil, err
	}
	reply, ok, err := out.encode(p.isV1())
	if ok || err != nil {
		return reply, err
	}
	return marshal(h.elsewhere(ctx, out, r.URL.Path).reply(p.isV1()))
}

// elsewhere is the reply to a request whose reply is too large: where it lies
// now, or why it does not.
func (h *HTTP) elsewhere(ctx context.Context, out *recorder, path string) *recorder {
	where, err := h.keep(ctx, out)
	if err == nil {
		h.log.InfoContext(ctx, "reply too large for a function in buffered mode: stored", "path", path, "key", out.stored.key)
		see := out.instead(http.StatusSeeOther)
		see.sent.Set("Location", where)
		return see
	}
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.Busy, fault.Canceled:
		status = http.StatusServiceUnavailable
	}
	h.log.WarnContext(ctx, "reply too large for a function in buffered mode", "path", path, "limit", maxReplyBytes, "error", err.Error(),
		"remedy", "a smaller size, a function URL with LAMBDA_RESPONSE=stream, or a store in S3 that the function may write to below "+ResultsPrefix)
	problem := out.instead(status)
	problem.body.Write(problemBody(status, "Too large reply", err))
	return problem
}

// keep stores the reply, whose handler has returned, and gives its address.
func (h *HTTP) keep(ctx context.Context, out *recorder) (string, error) {
	if out.stored == nil {
		if !out.canStore() {
			return "", tooLarge()
		}
		out.store()
	}
	if err := out.stored.end(nil); err != nil {
		return "", err
	}
	return address(ctx, h.results, out.stored.key, out.sent, h.config.ResultsValid)
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
