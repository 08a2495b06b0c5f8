// Package problem is the one place where an error becomes an HTTP answer.
//
// Handlers return errors. A fault's kind decides the status; the body keeps the
// members that clients of PIMS read ("title", "details") and adds those of
// RFC 9457 ("type", "status", "detail"); "type" ends in the stable code. Errors
// for which PIMS has a title and extra members of its own are made by the
// constructors of this package (pims-api §2.5) and have no further member, so
// that they compare equal to PIMS'. All others also have the code as "code".
package problem

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/pims-cloud/pims/fault"
)

// Member is one extra top-level member of an error body.
type Member struct {
	Name  string
	Value any
}

// Problem is an error whose HTTP answer is fixed. It is immutable.
type Problem struct {
	Status  int
	Title   string
	Details *string // nil is sent as null, as PIMS does for sentences in the title
	Code    string  // stable, for programs
	Own     bool    // PIMS has no such error: the body has the code as a member, too
	Extra   []Member
	Allow   string // the Allow header of a 405
	// Location is where a 307 sends the client.
	Location string
	// Challenge is the WWW-Authenticate header of a 401.
	Challenge string
	bare      bool // without title and details: PIMS' router answers {"detail":…} alone
	upload    bool // in the shape of PIMS' upload errors, a list of one
	cause     error
}

// Error is the text for logs.
func (p *Problem) Error() string {
	text := p.Code + ": " + p.Title
	if p.Details != nil {
		text += ": " + *p.Details
	}
	if p.cause != nil {
		text += ": " + p.cause.Error()
	}
	return text
}

// Unwrap gives the cause, which is logged and never sent.
func (p *Problem) Unwrap() error { return p.cause }

// Because attaches the cause.
func (p *Problem) Because(cause error) *Problem {
	out := *p
	out.cause = cause
	return &out
}

// statusClientClosed is what access logs show for a request whose client went
// away; nobody receives it.
const statusClientClosed = 499

// Status is the HTTP status that an error is answered with.
func Status(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	var v *Validation
	if errors.As(err, &v) {
		return http.StatusUnprocessableEntity
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return http.StatusGatewayTimeout
	}
	return statusOf(fault.KindOf(err))
}

func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid, fault.TooLarge:
		return http.StatusBadRequest
	case fault.Unsupported:
		return http.StatusNotImplemented
	case fault.Denied:
		return http.StatusForbidden
	case fault.Busy, fault.Changed:
		return http.StatusServiceUnavailable
	case fault.Canceled:
		return statusClientClosed
	default:
		return http.StatusInternalServerError
	}
}

// titles are those of kinds that carry no title of PIMS' own.
var titles = map[int]string{
	http.StatusBadRequest:          "Bad Request",
	http.StatusNotFound:            "Not Found",
	http.StatusForbidden:           "Forbidden",
	http.StatusNotImplemented:      "Not Implemented",
	http.StatusServiceUnavailable:  "Service Unavailable",
	http.StatusGatewayTimeout:      "Gateway Timeout",
	statusClientClosed:             "Client Closed Request",
	http.StatusInternalServerError: "Internal Server Error",
}

// Of turns any error into the problem it is answered with.
func Of(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		p = titled(http.StatusRequestEntityTooLarge, "body-too-large", "Content Too Large",
			"The body has more than the "+strconv.FormatInt(tooLong.Limit, 10)+" bytes that are accepted.").Because(err)
		p.Own = true
		return p
	}
	status := Status(err)
	p = titled(status, fault.CodeOf(err), titles[status], fault.Sentence(err)).Because(err)
	p.Own = true
	return p
}

func titled(status int, code, title, details string) *Problem {
	return &Problem{Status: status, Code: code, Title: title, Details: &details}
}

// Write answers err and logs what a client must not read. It is called once,
// before anything else was written.
func Write(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	var v *Validation
	if errors.As(err, &v) {
		writeJSON(w, r, http.StatusUnprocessableEntity, v.body())
		return
	}
	p := Of(err)
	record(r, log, p)
	for _, name := range []string{"ETag", "Cache-Control", "X-Pims-Cache", "X-Image-Size-Limit", "Content-Length", "Last-Modified"} {
		w.Header().Del(name)
	}
	if p.Allow != "" {
		w.Header().Set("Allow", p.Allow)
	}
	if p.Challenge != "" {
		w.Header().Set("WWW-Authenticate", p.Challenge)
	}
	if p.Location != "" {
		w.Header().Set("Location", p.Location)
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, r, p.Status, p.body())
}

func record(r *http.Request, log *slog.Logger, p *Problem) {
	level := slog.LevelDebug
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if p.Status == http.StatusNotImplemented || p.Status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	log.Log(r.Context(), level, "request failed",
		"method", r.Method, "path", r.URL.Path, "status", p.Status, "code", p.Code, "error", p.Error())
}
