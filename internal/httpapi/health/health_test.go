package health

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/queue"
)

// store fails as it is told.
type store struct {
	*objectstore.Store
	err   error
	hangs chan struct{} // not nil: nothing is answered before it closes
	asked atomic.Int64
	most  atomic.Int64 // bytes that were asked for
}

func (s *store) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	s.asked.Add(1)
	s.most.Store(max)
	if s.hangs != nil {
		<-s.hangs // and does not heed ctx
	}
	if s.err != nil {
		return nil, objectstore.Object{}, s.err
	}
	return s.Store.ReadPrefix(ctx, key, max)
}

// jobs is a queue of which only the depth is asked.
type jobs struct {
	queue.Queue
	err error
}

func (j jobs) Depth(context.Context) (int, int, error) { return 0, 0, j.err }

// newHealth is ready but for what the arguments do; its clock stands still.
func newHealth(s *store, q queue.Queue) *Health {
	s.Store = objectstore.New(memory.New())
	h := New(s, q)
	start := time.Unix(1_700_000_000, 0)
	h.now = func() time.Time { return start }
	return h
}

func TestReadyAsksStoreAndQueue(t *testing.T) {
	down := errors.New("dial tcp 10.0.0.7:443: password=hunter2")
	for name, row := range map[string]struct {
		store error
		queue queue.Queue
		code  string // empty: ready
	}{
		"both answer":             {nil, jobs{}, ""},
		"there is no queue":       {nil, nil, ""},
		"the store fails":         {down, jobs{}, "store-not-reachable"},
		"the store says no":       {fault.New(fault.Denied, "store-denied", "No."), jobs{}, "store-not-reachable"},
		"the queue fails":         {nil, jobs{err: down}, "queue-not-reachable"},
		"both fail":               {down, jobs{err: down}, "store-not-reachable"},
		"the probe is not there":  {fault.New(fault.NotFound, "object-not-found", "No."), nil, ""},
		"the store is overloaded": {fault.New(fault.Busy, "store-busy", "Slow down."), nil, "store-not-reachable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{err: row.store}
			err := newHealth(s, row.queue).Ready(t.Context())
			if row.code == "" {
				if err != nil {
					t.Errorf("not ready: %v", err)
				}
			} else if fault.CodeOf(err) != row.code || fault.KindOf(err) != fault.Busy {
				t.Errorf("got %v, want code %s of kind busy", err, row.code)
			}
			if said := fault.Sentence(err); err != nil && (strings.Contains(said, "10.0.0.7") || strings.Contains(said, "hunter2")) {
				t.Errorf("the public sentence tells the cause: %s", said)
			}
			if s.most.Load() != 1 {
				t.Errorf("%d bytes were asked for, want 1", s.most.Load())
			}
		})
	}
}

func TestAnAnswerIsGivenAgainForASecond(t *testing.T) {
	s := &store{}
	h := newHealth(s, nil)
	now := h.now()
	h.now = func() time.Time { return now }
	for range 10 {
		if err := h.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("the store was asked %d times for 10 probes, want once", n)
	}
	s.err = errors.New("down")
	now = now.Add(fresh)
	if h.Ready(t.Context()) == nil {
		t.Error("the failure does not show after a second")
	}
	s.err = nil
	now = now.Add(fresh)
	if err := h.Ready(t.Context()); err != nil {
		t.Errorf("the recovery does not show after a second: %v", err)
	}
}

func TestAStoreThatHangsHoldsOneQuestion(t *testing.T) {
	s := &store{hangs: make(chan struct{})}
	h := newHealth(s, jobs{})
	h.patience = time.Millisecond
	now := h.now()
	h.now = func() time.Time { now = now.Add(time.Minute); return now }
	for range 5 {
		if err := h.Ready(t.Context()); fault.CodeOf(err) != "store-not-reachable" {
			t.Fatalf("got %v, want store-not-reachable", err)
		} else if problem.Status(err) != http.StatusServiceUnavailable {
			t.Fatalf("answered with %d, want 503", problem.Status(err))
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("a store that hangs was asked %d times, want once", n)
	}
	close(s.hangs)
	h.patience = time.Minute
	deadline := time.Now().Add(20 * time.Second)
	for h.Ready(t.Context()) != nil {
		if time.Now().After(deadline) {
			t.Fatal("never ready again after the store has answered")
		}
	}
}

func TestManyAskersShareOneQuestion(t *testing.T) {
	s := &store{hangs: make(chan struct{})}
	h := newHealth(s, nil)
	h.patience = time.Minute
	var askers sync.WaitGroup
	for range 20 {
		askers.Go(func() {
			if err := h.Ready(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	close(s.hangs)
	askers.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("20 askers at once asked the store %d times, want once", n)
	}
}

func TestACallerWhoLeavesFailsNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newHealth(&store{}, jobs{}).Ready(ctx); err != nil {
		t.Errorf("not ready because the caller was gone: %v", err)
	}
}

func TestServeAnswersOnlyWhenReady(t *testing.T) {
	w := httptest.NewRecorder()
	h := newHealth(&store{}, nil)
	if err := h.serve(w, httptest.NewRequest(http.MethodGet, "/ready", nil), nil); err != nil || w.Body.String() != `{"ready":true}` {
		t.Errorf("%q, %v", w.Body, err)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q: a cache in between must not answer for us", got)
	}
	w = httptest.NewRecorder()
	h = newHealth(&store{err: errors.New("down")}, nil)
	if err := h.serve(w, httptest.NewRequest(http.MethodGet, "/ready", nil), nil); err == nil || w.Body.Len() != 0 {
		t.Errorf("written %q, %v", w.Body, err)
	}
}
