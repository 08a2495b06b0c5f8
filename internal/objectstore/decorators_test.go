package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/objectstore/storetest"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

func TestDecoratedStoreKeepsTheContract(t *testing.T) {
	config := objectstore.Config{Concurrency: 8, CoalesceGap: 100, HedgeAfter: "1ms", HeaderCache: 1 << 20}
	storetest.Run(t, func(*testing.T) objectstore.Driver {
		return objectstore.Standard(recording.Wrap(memory.New()), config)
	})
}

func TestOneAtATimeKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) objectstore.Driver { return objectstore.Limit(memory.New(), 1) })
}

func put(t *testing.T, s *objectstore.Store, key, content string) objectstore.Object {
	t.Helper()
	o, err := s.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSourceIsAReader(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, content []byte) sourcetest.Opened {
		s := objectstore.New(objectstore.Standard(memory.New(), objectstore.Config{Concurrency: 2}))
		return sourcetest.Opened{
			Reader:  s.Source(put(t, s, "k", string(content))),
			Replace: func(other []byte) { put(t, s, "k", string(other)) },
		}
	})
}

func TestBundles(t *testing.T) {
	s := objectstore.New(memory.New())
	files := map[string][]byte{"slide.mrxs": []byte("main"), "slide/Data 1.dat": []byte("data")}
	for name, content := range files {
		put(t, s, "upload-1/"+name, string(content))
	}
	o := put(t, s, "other/x.svs", "x")
	b, err := objectstore.Bundle(t.Context(), s, "upload-1/", "slide.mrxs")
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.RunBundle(t, b, files)
	sourcetest.RunBundle(t, objectstore.SingleBundle(s, o), map[string][]byte{"x.svs": []byte("x")})
	if _, err := objectstore.Bundle(t.Context(), s, "upload-1/", "missing"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a bundle without its main object: %v", err)
	}
}

func TestCoalesceMergesNeighboursOnly(t *testing.T) {
	content := strings.Repeat("0123456789", 100)
	ask := []source.Range{{Offset: 30, Length: 10}, {Offset: 0, Length: 10}, {Offset: 10, Length: 10}, {Offset: 15, Length: 2}, {Offset: 45, Length: 5}, {Offset: 900, Length: 100}}
	for gap, want := range map[int64][]recording.Read{
		0:   {{Key: "k", Offset: 0, Length: 20}, {Key: "k", Offset: 30, Length: 10}, {Key: "k", Offset: 45, Length: 5}, {Key: "k", Offset: 900, Length: 100}},
		9:   {{Key: "k", Offset: 0, Length: 20}, {Key: "k", Offset: 30, Length: 20}, {Key: "k", Offset: 900, Length: 100}},
		10:  {{Key: "k", Offset: 0, Length: 50}, {Key: "k", Offset: 900, Length: 100}},
		850: {{Key: "k", Offset: 0, Length: 1000}},
	} {
		recorded := recording.Wrap(memory.New())
		s := objectstore.New(objectstore.Coalesce(recorded, gap))
		o := put(t, s, "k", content)
		got, err := s.ReadRanges(t.Context(), "k", o.ETag, ask)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ask {
			if string(got[i]) != content[r.Offset:r.End()] {
				t.Errorf("gap %d: range %+v has %q", gap, r, got[i])
			}
			if cap(got[i]) > 2*int(r.Length)+64 {
				t.Errorf("gap %d: range %+v keeps %d bytes alive", gap, r, cap(got[i]))
			}
		}
		if diff := cmp.Diff(want, recorded.Reads()); diff != "" {
			t.Errorf("gap %d: reads (-want +got):\n%s", gap, diff)
		}
	}
}

// gate is a driver whose reads wait until they are let go.
type gate struct {
	objectstore.Driver
	inside  atomic.Int64
	most    atomic.Int64
	entered chan struct{}
	open    chan struct{}
}

func (g *gate) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	now := g.inside.Add(int64(len(ranges)))
	defer g.inside.Add(-int64(len(ranges)))
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	g.entered <- struct{}{}
	<-g.open
	return g.Driver.ReadRanges(ctx, key, etag, ranges)
}

func TestLimitBoundsReads(t *testing.T) {
	g := &gate{Driver: memory.New(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	s := objectstore.New(objectstore.Limit(g, 4))
	put(t, s, "k", "0123456789")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := s.ReadRanges(t.Context(), "k", "", []source.Range{{Offset: 0, Length: 1}, {Offset: 5, Length: 1}}); err != nil {
				t.Error(err)
			}
		})
	}
	<-g.entered
	<-g.entered // two batches of two: the limit is reached
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, "k"); fault.KindOf(err) != fault.Canceled {
		t.Errorf("waiting with a cancelled context: %v", err)
	}
	put(t, s, "other", "writes do not wait for reads")
	close(g.open)
	group.Wait()
	if most := g.most.Load(); most != 4 {
		t.Errorf("%d ranges were read at once, want 4", most)
	}
}

func TestMeterCounts(t *testing.T) {
	s := objectstore.New(objectstore.Standard(memory.New(), objectstore.Config{Concurrency: 4}))
	o := put(t, s, "k", "0123456789")
	ctx, tally := objectstore.WithTally(t.Context())
	if _, err := s.ReadRanges(ctx, "k", o.ETag, []source.Range{{Offset: 0, Length: 3}, {Offset: 5, Length: 4}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ReadPrefix(ctx, "k", 100); err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(ctx, "k", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	r.Close()
	_, _ = s.Stat(ctx, "missing")
	for range s.List(ctx, "") {
	}
	got := []int64{tally.Reads.Load(), tally.Bytes.Load(), tally.Stats.Load(), tally.Lists.Load(), tally.Writes.Load(), tally.Errors.Load()}
	if want := []int64{4, 27, 1, 1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("reads, bytes, stats, lists, writes, errors: %v, want %v", got, want)
	}
	if total := s.Totals(); total == nil || total.Reads.Load() != 4 || total.Writes.Load() != 1 {
		t.Errorf("totals %+v", total)
	}
	if objectstore.TallyOf(t.Context()) != nil || objectstore.TallyOf(ctx) != tally {
		t.Error("the context has another tally")
	}
}

func TestRecordingIsExact(t *testing.T) {
	recorded := recording.Wrap(memory.New())
	s := objectstore.New(objectstore.Standard(recorded, objectstore.Config{Concurrency: 4}))
	o := put(t, s, "k", strings.Repeat("x", 100))
	if _, err := s.Copy(t.Context(), s, o, "k2", objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = s.ReadPrefix(t.Context(), "k", 64<<10)
	_, _ = s.ReadRanges(t.Context(), "k", o.ETag, []source.Range{{Offset: 7, Length: 5}})
	want := []recording.Read{{Key: "k", Offset: 0, Length: 64 << 10}, {Key: "k", Offset: 7, Length: 5}}
	if diff := cmp.Diff(want, recorded.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(recording.Calls{Puts: 1, Copies: 1}, recorded.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	recorded.Reset()
	if len(recorded.Reads()) != 0 || recorded.Calls() != (recording.Calls{}) {
		t.Error("Reset left something")
	}
}

func TestCopyBetweenKindsStreams(t *testing.T) {
	from, to := objectstore.New(memory.New()), objectstore.New(struct{ objectstore.Driver }{memory.New()})
	o := put(t, from, "k", "content")
	if _, err := to.Copy(t.Context(), from, o, "k", objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := to.Get(t.Context(), "k", 10); err != nil || !bytes.Equal(got, []byte("content")) {
		t.Errorf("%q, %v", got, err)
	}
	o.ETag = "another"
	if _, err := to.Copy(t.Context(), from, o, "k2", objectstore.PutOptions{}); fault.KindOf(err) != fault.Changed {
		t.Errorf("copy of a replaced object: %v", err)
	}
}

func TestUnknownErrorsGetAKind(t *testing.T) {
	cause := errors.New("the disk is on fire")
	s := objectstore.New(&flaky{Driver: memory.New(), fails: []error{cause}})
	_, err := s.Stat(t.Context(), "k")
	if fault.CodeOf(err) != "store-failed" || !errors.Is(err, cause) || strings.Contains(fault.Sentence(err), "fire") {
		t.Errorf("error %v, sentence %q", err, fault.Sentence(err))
	}
}
