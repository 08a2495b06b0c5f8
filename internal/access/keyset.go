package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// keySetMaxAge is after what time an issuer's keys are asked for again, so
	// that one that was withdrawn does not hold for ever.
	keySetMaxAge = time.Hour
	// keySetPause is the least time between two requests: tokens with invented
	// key ids must not become requests.
	keySetPause   = 30 * time.Second
	keySetTimeout = 10 * time.Second
)

// keySet is an issuer's keys, asked for when a token needs them. It is safe for
// concurrent use.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex // guards what follows; held while nothing is asked for
	keys    map[string]publicKey
	fetched time.Time     // when keys came
	asked   time.Time     // when they were asked for last
	asking  chan struct{} // closed when the request under way ends; nil for none
	failure error         // of the last request
	// generation counts the sets that came; what was found with one set says
	// nothing once another is there.
	generation uint64
}

func newKeySet(url string, now func() time.Time) *keySet {
	return &keySet{url: url, now: now, client: &http.Client{
		Timeout: keySetTimeout,
		// Where the keys are is a matter of configuration, not of who answers.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the key set's address redirects") },
	}}
}

// errUnknownKey tells that the issuer has no key of this id.
var errUnknownKey = errors.New("the issuer has no such key")

// key is the issuer's key of an id. It waits for a request only when the id is
// not known; keys that are old go on to be used while new ones are asked for.
func (s *keySet) key(ctx context.Context, id string) (publicKey, error) {
	for tried := false; ; tried = true {
		s.mu.Lock()
		key, known := s.keys[id]
		key.generation = s.generation
		failure := s.failure
		var wait <-chan struct{}
		if !known && !tried || known && s.isOld() {
			wait = s.ask()
		}
		s.mu.Unlock()
		switch {
		case known:
			return key, nil
		case wait != nil:
			select {
			case <-wait:
			case <-ctx.Done():
				return publicKey{}, ctx.Err()
			}
		case failure != nil:
			return publicKey{}, failure
		default:
			return publicKey{}, errUnknownKey
		}
	}
}

// current is the generation of the keys that are there; when they are old, new
// ones are asked for meanwhile.
func (s *keySet) current() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) > 0 && s.isOld() {
		s.ask()
	}
	return s.generation
}

// isOld needs mu.
func (s *keySet) isOld() bool { return s.now().Sub(s.fetched) >= keySetMaxAge }

// ask begins a request unless one is under way or the last is too near; nil when
// there is nothing to wait for. The caller holds mu.
func (s *keySet) ask() <-chan struct{} {
	if s.asking != nil {
		return s.asking
	}
	now := s.now()
	if !s.asked.IsZero() && now.Sub(s.asked) < keySetPause {
		return nil
	}
	s.asked = now
	done := make(chan struct{})
	s.asking = done
	go func() { // ends with the client's timeout; whoever waits may go before
		defer close(done)
		keys, err := s.fetch()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking, s.failure = nil, err
		if err == nil {
			s.keys, s.fetched, s.generation = keys, s.now(), s.generation+1
		}
	}()
	return done
}

func (s *keySet) fetch() (map[string]publicKey, error) {
	reply, err := s.client.Get(s.url)
	if err != nil {
		return nil, fmt.Errorf("the issuer's keys can not be had: %w", err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer's keys can not be had: status %d", reply.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxKeySetBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the issuer's keys can not be had: %w", err)
	}
	if len(text) > maxKeySetBytes {
		return nil, fmt.Errorf("the issuer's key set has more than %d bytes", maxKeySetBytes)
	}
	return parseKeySet(text)
}
