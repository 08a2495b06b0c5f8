package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
)

// RequestIDHeader carries a request's id, in and out.
const RequestIDHeader = "X-Request-Id"

type requestIDKey struct{}

// WithRequestID gives a context whose log lines carry the id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of the request that the context belongs to, or empty.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// requestIDs makes ids that are unique among processes and cheap: random digits
// once, and a number. They are no secrets.
type requestIDs struct {
	process [8]byte
	last    atomic.Uint64
}

func newRequestIDs() *requestIDs {
	ids := &requestIDs{}
	_, _ = rand.Read(ids.process[:]) // never fails, says crypto/rand
	return ids
}

// next is 32 hex digits.
func (ids *requestIDs) next() string {
	var raw [16]byte
	copy(raw[:], ids.process[:])
	binary.BigEndian.PutUint64(raw[8:], ids.last.Add(1))
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// maxRequestID bounds an id that a client chose: it stands in every log line.
const maxRequestID = 128

// validRequestID accepts what tracing systems send and nothing that could break
// a log line or a header.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '=' || c == '+':
		default:
			return false
		}
	}
	return true
}
