// Package fault is how this project says that something went wrong.
//
// An Error has a Kind, which decides the HTTP status in one place; a stable
// Code, which programs may compare; and one public sentence that names the
// value, what was expected and, where there is one, the remedy. The cause is
// kept for the log and never sent to a client.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind is the class of an error. Callers decide by kind, never by text.
type Kind uint8

// The kinds. Internal is the zero value: an error of another package that
// nobody classified is a defect of ours.
const (
	Internal    Kind = iota // our defect, or something nobody foresaw
	NotFound                // the named thing does not exist
	Invalid                 // the request or the configuration is wrong
	Unsupported             // right, but beyond what this build or format can do
	Corrupt                 // stored bytes contradict themselves
	Changed                 // the object is no longer the version that was opened
	TooLarge                // over a stated bound
	Denied                  // not allowed
	Busy                    // try again later
	Canceled                // the caller went away or the deadline passed
)

var kindNames = [...]string{
	"internal", "not-found", "invalid", "unsupported", "corrupt", "changed",
	"too-large", "denied", "busy", "canceled",
}

// String is the kind's name as it stands in logs and reports.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Error is a classified error. It is immutable once returned.
type Error struct {
	Kind   Kind
	Code   string // stable, kebab-case, for example "tiff-ifd-loop"
	Detail string // one public sentence
	cause  error
}

// New makes an Error whose public sentence is the formatted text.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Because attaches the cause, which is logged and unwrapped but never sent.
func (e *Error) Because(cause error) *Error {
	out := *e
	out.cause = cause
	return &out
}

// Error is the full text for logs: code, sentence and cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.Detail + ": " + e.cause.Error()
	}
	return e.Code + ": " + e.Detail
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error with the same code, so that
// errors.Is(err, fault.New(kind, code, "")) works without shared variables.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// KindOf classifies any error: the kind of the outermost Error in its chain,
// Canceled for context errors, Internal for everything else.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return Internal
}

// CodeOf is the code of the outermost Error, or "internal" / "canceled".
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return KindOf(err).String()
}

// Sentence is what a client may read: the detail of the outermost Error, or a
// fixed sentence that leaks nothing.
func Sentence(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Detail
	}
	if KindOf(err) == Canceled {
		return "The request was cancelled."
	}
	return "An unexpected error occurred; the log has the details."
}
