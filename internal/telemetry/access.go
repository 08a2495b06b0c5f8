package telemetry

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/pims-cloud/pims/internal/nowait"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// CacheHeader tells a client whether its answer came from a cache (HIT, MISS).
const CacheHeader = "X-Pims-Cache"

// Served is what one request came to.
type Served struct {
	Method   string
	Path     string // decoded, without the query, which may hold signatures
	Route    string // the pattern that matched, or empty
	Status   int    // as sent; 499 when the client went away before a status was
	Sent     int64  // bytes of body
	Duration time.Duration
	Cache    string // HIT, MISS or empty
	Class    timing.Class
	Reads    int64 // requests to the object store
	Bytes    int64 // bytes read from the object store
}

// Failed tells that the service, not the client, is why there was no answer.
func (s Served) Failed() bool { return s.Status >= http.StatusInternalServerError }

// classOf is the kind of work behind an answer: what its makers said, unless the
// status or a cache says more.
func classOf(status int, cache string, said timing.Class) timing.Class {
	switch {
	case status >= http.StatusBadRequest:
		return timing.Refused
	case status == http.StatusNotModified:
		return timing.NotModified
	case cache == "HIT":
		return timing.Hit
	default:
		return said
	}
}

// Access gives every request an id (a valid X-Request-Id is kept, and it is
// echoed), writes one line when it is done, and tells the observers. Answers
// carry Server-Timing; those to requests with X-Pims-Debug, and all while log
// writes debug lines, also tell what was read from the store until then. A panic
// below becomes a 500 that says nothing about its cause; the log has the stack.
// A request that must not wait (package nowait) and gets no answer is not told of.
func Access(next http.Handler, log *slog.Logger, observers ...func(Served)) http.Handler {
	ids := newRequestIDs()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Account, context and id of the request are one allocation.
		out := &response{ResponseWriter: w, start: time.Now()}
		out.scope = scope{r.Context(), out}
		out.id = r.Header.Get(RequestIDHeader)
		if !validRequestID(out.id) {
			out.id = ids.next()
		}
		out.header(requestIDSlot, RequestIDHeader, out.id)
		out.debug = r.Header.Get(DebugHeader) != "" || log.Enabled(r.Context(), slog.LevelDebug)
		request := r.WithContext(&out.scope)

		aborted := contain(next, out, request, log)
		if out.status == 0 && nowait.In(r.Context()) {
			return // the request comes again, and may wait then
		}

		served := Served{
			Method: r.Method, Path: r.URL.Path, Route: request.Pattern,
			Status: out.status, Sent: out.sent, Duration: time.Since(out.start),
			Cache: w.Header().Get(CacheHeader), Reads: out.tally.Reads.Load(), Bytes: out.tally.Bytes.Load(),
		}
		gone := r.Context().Err() != nil
		switch {
		case served.Status != 0:
		case gone:
			served.Status = statusClientGone
		default:
			served.Status = http.StatusOK // net/http sends it for a handler that wrote nothing
		}
		served.Class = classOf(served.Status, served.Cache, out.steps.Class())
		writeLine(log, request, served, gone || aborted)
		for _, observe := range observers {
			observe(served)
		}
		if aborted {
			panic(http.ErrAbortHandler) // net/http cuts the connection, so that nobody takes a part for the whole
		}
	})
}

// statusClientGone is what nginx logs for a client that did not wait.
const statusClientGone = 499

// contain runs next. aborted tells that the reply was cut short.
func contain(next http.Handler, out *response, r *http.Request, log *slog.Logger) (aborted bool) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			aborted = true
			return
		}
		log.ErrorContext(r.Context(), "panic while serving", "panic", cause, "method", r.Method, "path", r.URL.Path,
			"stack", string(debug.Stack()))
		if out.status != 0 {
			aborted = true
			return
		}
		if nowait.In(r.Context()) {
			return // it will be answered when it comes again
		}
		for name := range out.Header() {
			switch name {
			case RequestIDHeader, timingHeader, "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary":
			default:
				out.Header().Del(name) // an ETag or a length of the reply that is not coming
			}
		}
		out.Header().Set("Content-Type", "application/json")
		out.Header().Set("Cache-Control", "no-store")
		out.WriteHeader(http.StatusInternalServerError)
		_, _ = out.Write([]byte(panicBody))
	}()
	next.ServeHTTP(out, r)
	return false
}

// panicBody has the members of every error body; it can not leak anything.
const panicBody = `{"title":"Internal Server Error","details":"An unexpected error occurred; the log has the details.",` +
	`"type":"about:blank","status":500,"detail":"An unexpected error occurred; the log has the details.","code":"internal"}` + "\n"

func writeLine(log *slog.Logger, r *http.Request, s Served, cut bool) {
	level := slog.LevelInfo
	if s.Status >= 500 {
		level = slog.LevelError
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("method", s.Method), slog.String("path", s.Path), slog.Int("status", s.Status),
		slog.Float64("ms", float64(s.Duration.Microseconds())/1000), slog.Int64("sent", s.Sent),
		slog.Int64("reads", s.Reads), slog.Int64("read_bytes", s.Bytes))
	if s.Cache != "" {
		attrs = append(attrs, slog.String("cache", s.Cache))
	}
	if cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}
