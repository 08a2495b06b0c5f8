package pims

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
)

// slowList is a store whose listing waits for permission after every object.
type slowList struct {
	objectstore.Driver
	next chan struct{}
}

func (s slowList) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for object, err := range s.Driver.List(ctx, prefix) {
			if !yield(object, err) {
				return
			}
			<-s.next
		}
	}
}

func TestDiskUsageNeverWaitsForALongWalk(t *testing.T) {
	ctx := context.Background()
	slow := slowList{memory.New(), make(chan struct{})}
	store := objectstore.New(slow)
	put := func(key string, size int) {
		t.Helper()
		if _, err := store.Put(ctx, key, strings.NewReader(strings.Repeat("x", size)), int64(size), objectstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put("a", 10)
	put("b", 20)
	now := time.Unix(0, 0)
	u := newUsage(store)
	u.patience, u.now = time.Millisecond, func() time.Time { return now }

	bytes := func() int64 {
		t.Helper()
		got, err := u.bytes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	finish := func(objects int) {
		t.Helper()
		u.mu.Lock()
		w := u.walking
		u.mu.Unlock()
		for range objects {
			slow.next <- struct{}{}
		}
		<-w.done
	}
	for bytes() != 10 { // the walk has reached the first object, and waits there
	}
	finish(2)
	if got := bytes(); got != 30 {
		t.Fatalf("after the first walk: %d bytes, want 30", got)
	}
	put("c", 5)
	now = now.Add(2 * usageMaxAge)
	if got := bytes(); got != 30 {
		t.Errorf("while the second walk runs: %d bytes, want the 30 of the first", got)
	}
	finish(3)
	if got := bytes(); got != 35 {
		t.Errorf("after the second walk: %d bytes, want 35", got)
	}
}
