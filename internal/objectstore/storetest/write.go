package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

func long(n int) string { return strings.Repeat("n", n) }

func testBadKeys(t *testing.T, s *suite) {
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\x00b", "a\nb", "a\u0085b", "a\xffb",
		long(1025), ".pims-store/tmp/x", "a/.pims-x/b",
	} {
		_, err := s.store().Put(t.Context(), key, strings.NewReader("x"), 1, objectstore.PutOptions{})
		s.wantKind(fmt.Sprintf("put %.40q", key), err, fault.Invalid)
		_, err = s.store().Stat(t.Context(), key)
		s.wantKind(fmt.Sprintf("stat %.40q", key), err, fault.Invalid)
		_, err = s.store().ReadRanges(t.Context(), key, "", one(0, 1))
		s.wantKind(fmt.Sprintf("read %.40q", key), err, fault.Invalid)
		s.wantKind(fmt.Sprintf("delete %.40q", key), s.store().Delete(t.Context(), key), fault.Invalid)
	}
	if keys := s.keys(""); len(keys) != 0 {
		t.Errorf("the store has %q", keys)
	}
}

func testAwkwardKeys(t *testing.T, s *suite) {
	keys := []string{
		"with space/a b  c.svs", "ünï/cödé-日本語-🔬.tiff", "e\u0301 decomposed", "plus+and%41percent%", "a&b=c;d?e#f",
		"quote'\"`.tif", "back\\slash", "colon:star*pipe|", "(brackets)[]{}<>", "~tilde", "-dash", ".hidden", "...", "..a", "a..",
		"dot.", "comma,@at!$^", "deep/" + strings.Repeat("d/", 60) + "end", long(250), "CASE", "case",
	}
	for i, key := range keys {
		s.put(key, []byte(fmt.Sprintf("content %d", i)))
	}
	listed := map[string]bool{}
	for _, key := range s.keys("") {
		listed[key] = true
	}
	for i, key := range keys {
		want := []byte(fmt.Sprintf("content %d", i))
		s.wantContent(key, want)
		if !listed[key] {
			t.Errorf("%q is not listed", key)
		}
		o, err := s.store().Stat(t.Context(), key)
		if err != nil {
			t.Errorf("stat %q: %v", key, err)
			continue
		}
		target := fmt.Sprintf("copy of/%d", i)
		if _, err := s.store().Copy(t.Context(), s.store(), o, target, objectstore.PutOptions{}); err != nil {
			t.Errorf("copy from %q: %v", key, err)
			continue
		}
		s.wantContent(target, want)
	}
	if err := s.store().Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	for _, key := range s.keys("") {
		if !strings.HasPrefix(key, "copy of/") {
			t.Errorf("%q is still there", key)
		}
	}
}

func testReplace(t *testing.T, s *suite) {
	first := s.put("k", []byte("first"))
	second := s.put("k", []byte("other")) // of the same size
	if first.ETag == second.ETag {
		t.Errorf("both versions have the ETag %q", first.ETag)
	}
	s.wantContent("k", []byte("other"))
	stat, err := s.store().Stat(t.Context(), "k")
	if err != nil || stat.ETag != second.ETag || stat.Size != 5 || stat.Key != "k" {
		t.Errorf("stat %+v, %v; put gave %+v", stat, err, second)
	}
}

func testUnknownSize(t *testing.T, s *suite) {
	for _, n := range []int{0, 1, 1 << 20, 8 << 20, 8<<20 + 1, 21<<20 + 12345} {
		data := noise(uint64(n), n)
		key := fmt.Sprintf("unknown-%d", n)
		o, err := s.store().Put(t.Context(), key, onlyReader{bytes.NewReader(data)}, -1, objectstore.PutOptions{})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if o.Size != int64(n) {
			t.Errorf("%d bytes: put says %d", n, o.Size)
		}
		stat, err := s.store().Stat(t.Context(), key)
		if err != nil || stat.ETag != o.ETag || stat.Size != int64(n) {
			t.Errorf("%d bytes: stat %+v, %v; put gave %+v", n, stat, err, o)
		}
		s.wantContent(key, data)
		known := s.put(fmt.Sprintf("known-%d", n), data)
		s.wantContent(known.Key, data)
	}
}

func testFailedPut(t *testing.T, s *suite) {
	old := s.put("old", []byte("old"))
	broken := errors.New("the body broke")
	for _, n := range []int{0, 10, 20 << 20} {
		for _, key := range []string{"old", "new"} {
			_, err := s.store().Put(t.Context(), key, &failingBody{left: n, err: broken}, -1, objectstore.PutOptions{})
			if !errors.Is(err, broken) {
				t.Errorf("a body that breaks after %d bytes: %v", n, err)
			}
		}
	}
	s.wantUntouched(old)
}

// wantUntouched reports everything but the object "old" with content "old".
func (s *suite) wantUntouched(old objectstore.Object) {
	s.t.Helper()
	s.wantContent("old", []byte("old"))
	if stat, err := s.store().Stat(s.t.Context(), "old"); err != nil || stat.ETag != old.ETag {
		s.t.Errorf("the old object is now %+v, %v", stat, err)
	}
	if keys := s.keys(""); len(keys) != 1 {
		s.t.Errorf("the store has %q", keys)
	}
}

func testWrongSize(t *testing.T, s *suite) {
	old := s.put("old", []byte("old"))
	for _, size := range []int64{0, 4, 6, 20 << 20} {
		for _, key := range []string{"old", "new"} {
			_, err := s.store().Put(t.Context(), key, strings.NewReader("12345"), size, objectstore.PutOptions{})
			s.wantKind(fmt.Sprintf("5 bytes announced as %d", size), err, fault.Invalid)
		}
	}
	s.wantUntouched(old)
}

func testConditions(t *testing.T, s *suite) {
	ctx := t.Context()
	put := func(key, data string, options objectstore.PutOptions) (objectstore.Object, error) {
		return s.store().Put(ctx, key, strings.NewReader(data), int64(len(data)), options)
	}
	_, err := put("k", "x", objectstore.PutOptions{OnlyIfETag: "some-etag"})
	s.wantKind("update of what is missing", err, fault.Changed)
	first, err := put("k", "one", objectstore.PutOptions{OnlyIfAbsent: true, ContentType: "text/plain"})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	_, err = put("k", "two", objectstore.PutOptions{OnlyIfAbsent: true})
	s.wantKind("create of what is there", err, fault.Changed)
	second, err := put("k", "three", objectstore.PutOptions{OnlyIfETag: first.ETag})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	_, err = put("k", "four", objectstore.PutOptions{OnlyIfETag: first.ETag})
	s.wantKind("update of an old version", err, fault.Changed)
	_, err = put("k", "five", objectstore.PutOptions{OnlyIfETag: second.ETag, OnlyIfAbsent: true})
	s.wantKind("both conditions", err, fault.Invalid)
	s.wantContent("k", []byte("three"))

	big := noise(9, 18<<20)
	_, err = s.store().Put(ctx, "k", bytes.NewReader(big), -1, objectstore.PutOptions{OnlyIfAbsent: true})
	s.wantKind("create in parts of what is there", err, fault.Changed)
	_, err = s.store().Put(ctx, "k", bytes.NewReader(big), -1, objectstore.PutOptions{OnlyIfETag: first.ETag})
	s.wantKind("update in parts of an old version", err, fault.Changed)
	s.wantContent("k", []byte("three"))
	if _, err = s.store().Put(ctx, "k", bytes.NewReader(big), -1, objectstore.PutOptions{OnlyIfETag: second.ETag}); err != nil {
		t.Fatalf("update in parts: %v", err)
	}
	s.wantContent("k", big)
}

// race lets n writers write at once, retrying only what the store says is
// worth it, and returns the numbers of the winners.
func (s *suite) race(round, n int, options objectstore.PutOptions) (winners []int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			data := prize(round, i)
			for {
				_, err := s.store().Put(s.t.Context(), "prize", strings.NewReader(data), int64(len(data)), options)
				switch fault.KindOf(err) {
				case fault.Busy:
					continue
				case fault.Changed:
				default:
					if err != nil {
						s.t.Errorf("writer %d: %v", i, err)
						return
					}
					mu.Lock()
					winners = append(winners, i)
					mu.Unlock()
				}
				return
			}
		})
	}
	close(start)
	group.Wait()
	return winners
}

// prize differs in every round: a store may give equal bytes equal ETags, and
// then a later writer rightly takes them for the version that it knows.
func prize(round, writer int) string { return fmt.Sprintf("round %d, writer %d", round, writer) }

func (s *suite) wantOneWinner(round int, winners []int) {
	s.t.Helper()
	if len(winners) != 1 {
		s.t.Fatalf("the winners are %v", winners)
	}
	s.wantContent("prize", []byte(prize(round, winners[0])))
}

func testCreateRace(t *testing.T, s *suite) {
	for round := range 5 {
		s.wantOneWinner(round, s.race(round, 20, objectstore.PutOptions{OnlyIfAbsent: true}))
		if err := s.store().Delete(t.Context(), "prize"); err != nil {
			t.Fatal(err)
		}
	}
}

func testUpdateRace(t *testing.T, s *suite) {
	o := s.put("prize", []byte("start"))
	for round := range 5 {
		s.wantOneWinner(round, s.race(round, 20, objectstore.PutOptions{OnlyIfETag: o.ETag}))
		var err error
		if o, err = s.store().Stat(t.Context(), "prize"); err != nil {
			t.Fatal(err)
		}
	}
}

func testChanged(t *testing.T, s *suite) {
	o := s.put("slide.svs", noise(1, 10_000))
	open := s.store().Source(o)
	ranges := []source.Range{{Offset: 0, Length: 100}, {Offset: 9_000, Length: 1000}}
	if _, err := open.ReadRanges(t.Context(), ranges); err != nil {
		t.Fatal(err)
	}
	s.put("slide.svs", noise(2, 10_000))
	got, err := open.ReadRanges(t.Context(), ranges)
	s.wantKind("read of a replaced object", err, fault.Changed)
	if got != nil {
		t.Errorf("bytes came with the error")
	}
	s.put("slide.svs", noise(3, 10)) // now also too short
	_, err = open.ReadRanges(t.Context(), ranges)
	s.wantKind("read of a shorter object", err, fault.Changed)
	if err := s.store().Delete(t.Context(), "slide.svs"); err != nil {
		t.Fatal(err)
	}
	_, err = open.ReadRanges(t.Context(), ranges)
	s.wantKind("read of a deleted object", err, fault.NotFound)
}

// testNeverMixed replaces an object of equal bytes by another of equal bytes
// over and over, while readers look for a batch with both.
func testNeverMixed(t *testing.T, s *suite) {
	const size, versions, readers = 256 << 10, 40, 4
	ctx, stop := context.WithCancel(t.Context())
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, size) }
	s.put("k", version(0))
	ranges := []source.Range{{Offset: 0, Length: 1000}, {Offset: size / 2, Length: 1000}, {Offset: size - 1000, Length: 1000}}
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := s.readOnce(ctx, ranges); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range versions {
		s.put("k", version(i))
	}
	stop()
	group.Wait()
}

// readOnce stats and reads; Changed is right, bytes of two versions are not.
func (s *suite) readOnce(ctx context.Context, ranges []source.Range) error {
	prefix, o, err := s.store().ReadPrefix(ctx, "k", 10)
	if fault.KindOf(err) == fault.Busy {
		return nil
	}
	if err != nil {
		return err
	}
	for _, etag := range []string{o.ETag, ""} {
		parts, err := s.store().ReadRanges(ctx, "k", etag, ranges)
		if kind := fault.KindOf(err); kind == fault.Changed || kind == fault.Busy {
			continue
		}
		if err != nil {
			return err
		}
		all := bytes.Join(parts, nil)
		if n := bytes.Count(all, all[:1]); n != len(all) {
			return fmt.Errorf("%d of %d bytes are of another version", len(all)-n, len(all))
		}
		if etag != "" && all[0] != prefix[0] {
			return fmt.Errorf("the ETag of version %d gave bytes of version %d", prefix[0], all[0])
		}
	}
	return nil
}

func testCancelledPut(t *testing.T, s *suite) {
	old := s.put("old", []byte("old"))
	for _, key := range []string{"old", "new"} {
		ctx, cancel := context.WithCancel(t.Context())
		body := &cancellingBody{left: 20 << 20, cancel: cancel}
		_, err := s.store().Put(ctx, key, body, -1, objectstore.PutOptions{})
		s.wantKind("a put cancelled in the middle", err, fault.Canceled)
	}
	s.wantUntouched(old)
}

// cancellingBody cancels its own write half-way.
type cancellingBody struct {
	left   int
	cancel func()
}

func (c *cancellingBody) Read(p []byte) (int, error) {
	if c.left < 10<<20 {
		c.cancel()
	}
	f := failingBody{left: c.left, err: errors.New("read to the end although cancelled")}
	n, err := f.Read(p)
	c.left = f.left
	return n, err
}
