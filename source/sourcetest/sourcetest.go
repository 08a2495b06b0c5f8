// Package sourcetest is the conformance suite of source.Reader and
// source.Bundle; everything that gives formats bytes passes it.
package sourcetest

import (
	"bytes"
	"context"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// Opened is a Reader under test.
type Opened struct {
	Reader source.Reader
	// Replace puts other bytes in place of the ones that Reader was opened on.
	// It is nil where that is impossible.
	Replace func(content []byte)
}

// Run proves that open makes Readers of given bytes that keep the contract.
func Run(t *testing.T, open func(t *testing.T, content []byte) Opened) {
	content := make([]byte, 100_003)
	for i := range content {
		content[i] = byte(i*7 + i>>8*13)
	}
	t.Run("ranges are exact", func(t *testing.T) { testExact(t, open(t, content).Reader, content) })
	t.Run("bad ranges are invalid", func(t *testing.T) { testBad(t, open(t, content).Reader) })
	t.Run("an empty sequence", func(t *testing.T) { testEmpty(t, open(t, nil).Reader) })
	t.Run("slices belong to the caller", func(t *testing.T) { testOwned(t, open(t, content).Reader, content) })
	t.Run("versions differ", func(t *testing.T) {
		other := slices.Clone(content)
		other[5]++
		if a, b := open(t, content).Reader.Version(), open(t, other).Reader.Version(); a == "" || a == b {
			t.Errorf("the versions of different bytes are %q and %q", a, b)
		}
	})
	t.Run("concurrent reads", func(t *testing.T) {
		r := open(t, content).Reader
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { testExact(t, r, content) })
		}
		group.Wait()
	})
	t.Run("a cancelled context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := open(t, content).Reader.ReadRanges(ctx, []source.Range{{Offset: 0, Length: 100}})
		wantKind(t, err, fault.Canceled)
	})
	t.Run("replaced bytes are Changed", func(t *testing.T) { testReplaced(t, open(t, content), content) })
}

func testExact(t *testing.T, r source.Reader, content []byte) {
	t.Helper()
	if r.Size() != int64(len(content)) {
		t.Errorf("size %d, want %d", r.Size(), len(content))
	}
	n := int64(len(content))
	ranges := []source.Range{{Offset: 0, Length: 1}, {Offset: n - 1, Length: 1}, {Offset: 0, Length: n}, {Offset: 4095, Length: 2}, {Offset: 1, Length: 70_000}}
	for i := range int64(30) {
		ranges = append(ranges, source.Range{Offset: i * 3331, Length: i*97 + 1})
	}
	for _, batch := range [][]source.Range{ranges, ranges[:1], {}} {
		got, err := r.ReadRanges(t.Context(), batch)
		if err != nil {
			t.Fatalf("%d ranges: %v", len(batch), err)
		}
		if len(got) != len(batch) {
			t.Fatalf("%d ranges gave %d slices", len(batch), len(got))
		}
		for i, want := range batch {
			if !bytes.Equal(got[i], content[want.Offset:want.End()]) {
				t.Errorf("range %+v has wrong bytes (%d of them)", want, len(got[i]))
			}
		}
	}
}

func testBad(t *testing.T, r source.Reader) {
	n := r.Size()
	for _, bad := range []source.Range{
		{Offset: -1, Length: 1}, {Offset: 0, Length: 0}, {Offset: 0, Length: -1}, {Offset: n, Length: 1},
		{Offset: n - 1, Length: 2}, {Offset: 0, Length: n + 1}, {Offset: math.MaxInt64, Length: 1},
		{Offset: 1, Length: math.MaxInt64}, {Offset: math.MaxInt64, Length: math.MaxInt64},
	} {
		got, err := r.ReadRanges(t.Context(), []source.Range{{Offset: 0, Length: 1}, bad})
		wantKind(t, err, fault.Invalid)
		if got != nil {
			t.Errorf("range %+v: bytes came with the error", bad)
		}
	}
}

func testEmpty(t *testing.T, r source.Reader) {
	if r.Size() != 0 {
		t.Errorf("size %d", r.Size())
	}
	_, err := r.ReadRanges(t.Context(), []source.Range{{Offset: 0, Length: 1}})
	wantKind(t, err, fault.Invalid)
}

func testOwned(t *testing.T, r source.Reader, content []byte) {
	batch := []source.Range{{Offset: 0, Length: 100}, {Offset: 0, Length: 100}, {Offset: 50, Length: 100}}
	got, err := r.ReadRanges(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	clear(got[0])
	_ = append(got[1], 0xEE, 0xEE)
	again, err := r.ReadRanges(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{content[:100], content[:100], content[50:150]} {
		if i > 0 && !bytes.Equal(got[i], want) {
			t.Errorf("slice %d changed when another one was written to", i)
		}
		if !bytes.Equal(again[i], want) {
			t.Errorf("slice %d of a second read shows what was written to the first", i)
		}
	}
}

func testReplaced(t *testing.T, o Opened, content []byte) {
	if o.Replace == nil {
		t.Skip("these bytes can not be replaced")
	}
	ranges := []source.Range{{Offset: 70_000, Length: 10}, {Offset: 90_000, Length: 10}}
	for _, other := range [][]byte{bytes.Repeat([]byte{1}, len(content)), []byte("short")} {
		o.Replace(other)
		got, err := o.Reader.ReadRanges(t.Context(), ranges)
		wantKind(t, err, fault.Changed)
		if got != nil {
			t.Error("bytes came with the error")
		}
	}
}

// RunBundle proves that a bundle has exactly the given files, whichever way it
// was opened, and keeps to them.
func RunBundle(t *testing.T, b source.Bundle, want map[string][]byte) {
	names, err := b.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(names) {
		t.Errorf("the names are not sorted: %q", names)
	}
	if len(names) != len(want) {
		t.Errorf("the names are %q, want %d", names, len(want))
	}
	if _, ok := want[b.Main()]; !ok {
		t.Errorf("the main file %q is not in the bundle", b.Main())
	}
	for name, content := range want {
		r, err := b.Open(t.Context(), name)
		if err != nil {
			t.Errorf("open %q: %v", name, err)
			continue
		}
		got, err := source.ReadAt(t.Context(), r, 0, r.Size())
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%q has %q, %v; want %q", name, got, err, content)
		}
	}
	for _, name := range []string{"", ".", "..", "/", "missing", "../" + b.Main(), "/" + b.Main(), "./" + b.Main(), "a/../" + b.Main(), b.Main() + "/", b.Main() + "/x"} {
		if _, ok := want[name]; ok {
			continue
		}
		if _, err := b.Open(t.Context(), name); fault.KindOf(err) != fault.NotFound {
			t.Errorf("open %q: error %v, want kind not-found", name, err)
		}
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); err == nil || got != want {
		t.Errorf("error %v (kind %s), want kind %s", err, got, want)
	}
}
