// Package nowait marks contexts in which nothing may wait: for the store, for a
// cache that is not in memory, for a picture to be made, for what another request
// has begun. Package fastpath answers in such contexts what is at hand.
package nowait

import "context"

// Context gives a context in which nothing may wait.
func Context(parent context.Context) context.Context { return marked{parent} }

// In tells whether nothing may wait in a context.
func In(ctx context.Context) bool { return ctx.Value(key{}) != nil }

// Refused is the error of what would have had to wait. It must not come to a
// flight that other requests share: whoever begins one asks In before.
type Refused struct{}

// Error implements error.
func (Refused) Error() string { return "this would have to wait, which its context does not allow" }

type key struct{}

type marked struct{ context.Context }

// Value implements context.Context.
func (m marked) Value(k any) any {
	if k == (key{}) {
		return k
	}
	return m.Context.Value(k)
}
