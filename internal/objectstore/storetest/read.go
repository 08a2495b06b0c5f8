package storetest

import (
	"bytes"
	"io"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

func testRanges(t *testing.T, s *suite) {
	data := noise(1, 100_000)
	o := s.put("a/slide.svs", data)
	ranges := []source.Range{
		{Offset: 0, Length: 1}, {Offset: 99_999, Length: 1}, {Offset: 10, Length: 50_000},
		{Offset: 0, Length: 100_000}, {Offset: 10, Length: 50_000}, {Offset: 500, Length: 3},
	}
	// More ranges than are read at the same time, in no order.
	for i := range 40 {
		ranges = append(ranges, source.Range{Offset: int64(i*7919) % 90_000, Length: int64(i*101 + 1)})
	}
	for _, etag := range []string{"", o.ETag} {
		got, err := s.store().ReadRanges(t.Context(), o.Key, etag, ranges)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ranges {
			if !bytes.Equal(got[i], data[r.Offset:r.End()]) {
				t.Errorf("etag %q, range %+v: %s, want %s", etag, r, brief(got[i]), brief(data[r.Offset:r.End()]))
			}
		}
	}
	if got, err := s.store().ReadRanges(t.Context(), o.Key, o.ETag, nil); err != nil || len(got) != 0 {
		t.Errorf("no ranges: %v, %v", got, err)
	}
}

func testPastTheEnd(t *testing.T, s *suite) {
	o := s.put("k", noise(1, 1000))
	s.put("empty", nil)
	for _, r := range []source.Range{
		{Offset: 1000, Length: 1}, {Offset: 999, Length: 2}, {Offset: 0, Length: 1001}, {Offset: 1 << 40, Length: 1 << 40},
		{Offset: -1, Length: 1}, {Offset: 0, Length: 0}, {Offset: 1, Length: -1}, {Offset: 1 << 62, Length: 1 << 62},
	} {
		for _, etag := range []string{"", o.ETag} {
			got, err := s.store().ReadRanges(t.Context(), "k", etag, []source.Range{{Offset: 0, Length: 5}, r})
			s.wantKind("a batch with a bad range", err, fault.Invalid)
			if got != nil {
				t.Errorf("range %+v: bytes came with the error", r)
			}
		}
		_, err := s.store().ReadRanges(t.Context(), "k", "", []source.Range{r})
		s.wantKind("one bad range", err, fault.Invalid)
	}
	_, err := s.store().ReadRanges(t.Context(), "empty", "", one(0, 1))
	s.wantKind("a range of an empty object", err, fault.Invalid)
}

func testPrefix(t *testing.T, s *suite) {
	data := noise(2, 5000)
	put := s.put("k", data)
	for _, max := range []int64{1, 4999, 5000, 5001, 1 << 30} {
		got, o, err := s.store().ReadPrefix(t.Context(), "k", max)
		if err != nil {
			t.Fatal(err)
		}
		if want := data[:min(max, 5000)]; !bytes.Equal(got, want) {
			t.Errorf("max %d: %s, want %s", max, brief(got), brief(want))
		}
		if o.Key != "k" || o.Size != 5000 || o.ETag != put.ETag || o.ModTime.IsZero() {
			t.Errorf("max %d: object %+v, put gave %+v", max, o, put)
		}
	}
	_, _, err := s.store().ReadPrefix(t.Context(), "k", 0)
	s.wantKind("a prefix of nothing", err, fault.Invalid)
	_, _, err = s.store().Get(t.Context(), "k", 4999)
	s.wantKind("get with a smaller bound", err, fault.TooLarge)
}

func testEmpty(t *testing.T, s *suite) {
	put := s.put("empty", nil)
	data, o, err := s.store().ReadPrefix(t.Context(), "empty", 100)
	if err != nil || len(data) != 0 || o.Size != 0 || o.ETag != put.ETag {
		t.Errorf("prefix of an empty object: %v, %+v, %v", data, o, err)
	}
	stat, err := s.store().Stat(t.Context(), "empty")
	if err != nil || stat.Size != 0 || stat.ETag != put.ETag {
		t.Errorf("stat of an empty object: %+v, %v", stat, err)
	}
	r, err := s.store().Reader(t.Context(), "empty", put.ETag)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if all, err := io.ReadAll(r); err != nil || len(all) != 0 {
		t.Errorf("stream of an empty object: %v, %v", all, err)
	}
}

func testMissing(t *testing.T, s *suite) {
	s.put("there/file", []byte("x"))
	// Also a folder, and what lies below a file.
	for _, key := range []string{"missing", "there", "there/missing", "there/file/below"} {
		_, err := s.store().ReadRanges(t.Context(), key, "", one(0, 1))
		s.wantKind("read "+key, err, fault.NotFound)
		_, err = s.store().ReadRanges(t.Context(), key, "some-etag", one(0, 1))
		s.wantKind("pinned read "+key, err, fault.NotFound)
		_, _, err = s.store().ReadPrefix(t.Context(), key, 10)
		s.wantKind("prefix "+key, err, fault.NotFound)
		_, err = s.store().Reader(t.Context(), key, "")
		s.wantKind("stream "+key, err, fault.NotFound)
		_, err = s.store().Stat(t.Context(), key)
		s.wantKind("stat "+key, err, fault.NotFound)
	}
	_, err := s.store().ReadRanges(t.Context(), "there/file", "another-etag", one(0, 1))
	s.wantKind("read with another ETag", err, fault.Changed)
	_, err = s.store().Reader(t.Context(), "there/file", "another-etag")
	s.wantKind("stream with another ETag", err, fault.Changed)
}

func testReader(t *testing.T, s *suite) {
	data := noise(3, 3<<20)
	o := s.put("k", data)
	for _, etag := range []string{"", o.ETag} {
		r, err := s.store().Reader(t.Context(), "k", etag)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("etag %q: %s, %v", etag, brief(got), err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	r, err := s.store().Reader(t.Context(), "k", o.ETag)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close before the end: %v", err)
	}
}

func testOwnership(t *testing.T, s *suite) {
	data := []byte("0123456789")
	o := s.put("k", data)
	data[0] = 'X' // the store must not look at it any more
	ranges := []source.Range{{Offset: 0, Length: 10}, {Offset: 0, Length: 5}}
	got, err := s.store().ReadRanges(t.Context(), "k", o.ETag, ranges)
	if err != nil {
		t.Fatal(err)
	}
	clear(got[0])
	if string(got[1]) != "01234" {
		t.Errorf("the slices of a batch share memory: %q", got[1])
	}
	prefix, _, err := s.store().ReadPrefix(t.Context(), "k", 10)
	if err != nil {
		t.Fatal(err)
	}
	clear(prefix)
	s.wantContent("k", []byte("0123456789"))
}

func testStreamOneVersion(t *testing.T, s *suite) {
	first, second := noise(4, 4<<20), noise(5, 4<<20)
	o := s.put("k", first)
	r, err := s.store().Reader(t.Context(), "k", o.ETag)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	s.put("k", second)
	rest, err := io.ReadAll(r)
	if err != nil {
		return // refusing to go on is right, and so is finishing the old version
	}
	if got := append(head, rest...); !bytes.Equal(got, first) {
		t.Errorf("the stream has bytes of two versions")
	}
}

func testCancelled(t *testing.T, s *suite) {
	o := s.put("k", noise(6, 1000))
	ctx := cancelled(t)
	_, err := s.store().ReadRanges(ctx, "k", o.ETag, []source.Range{{Offset: 0, Length: 1}, {Offset: 5, Length: 1}})
	s.wantKind("read", err, fault.Canceled)
	_, _, err = s.store().ReadPrefix(ctx, "k", 10)
	s.wantKind("prefix", err, fault.Canceled)
	_, err = s.store().Reader(ctx, "k", "")
	s.wantKind("stream", err, fault.Canceled)
	_, err = s.store().Stat(ctx, "k")
	s.wantKind("stat", err, fault.Canceled)
	_, err = s.store().Put(ctx, "k2", bytes.NewReader(nil), 0, objectstore.PutOptions{})
	s.wantKind("put", err, fault.Canceled)
	s.wantKind("delete", s.store().Delete(ctx, "k"), fault.Canceled)
	_, err = s.store().Copy(ctx, s.store(), o, "k2", objectstore.PutOptions{})
	s.wantKind("copy", err, fault.Canceled)
	err = nil
	for _, err = range s.store().List(ctx, "") {
	}
	s.wantKind("list", err, fault.Canceled)
	err = nil
	for _, err = range s.store().Folders(ctx, "") {
	}
	s.wantKind("folders", err, fault.Canceled)
	s.wantContent("k", noise(6, 1000))
}

func testStream(t *testing.T, s *suite) {
	data := noise(9, 50_000)
	o := s.put("k", data)
	for _, r := range []source.Range{{Offset: 0, Length: 1}, {Offset: 49_999, Length: 1}, {Offset: 777, Length: 40_000}, {Offset: 0, Length: 50_000}} {
		for _, etag := range []string{"", o.ETag} {
			body, err := s.store().Stream(t.Context(), "k", etag, r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			body.Close()
			if err != nil || !bytes.Equal(got, data[r.Offset:r.End()]) {
				t.Errorf("etag %q, range %+v: %s, %v", etag, r, brief(got), err)
			}
		}
	}
	body, err := s.store().Stream(t.Context(), "k", o.ETag, source.Range{Offset: 0, Length: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(body, make([]byte, 10)); err != nil {
		t.Error(err)
	}
	body.Close() // long before its end
	failing := func(doing string, want fault.Kind, key, etag string, r source.Range) {
		t.Helper()
		_, err := s.store().Stream(t.Context(), key, etag, r)
		s.wantKind(doing, err, want)
	}
	failing("a part of what is missing", fault.NotFound, "missing", "", source.Range{Offset: 0, Length: 1})
	failing("a part of another version", fault.Changed, "k", "another-etag", source.Range{Offset: 0, Length: 1})
	failing("a part behind the end", fault.Invalid, "k", o.ETag, source.Range{Offset: 50_000, Length: 1})
	failing("a part over the end", fault.Invalid, "k", "", source.Range{Offset: 49_999, Length: 2})
	failing("an empty part", fault.Invalid, "k", "", source.Range{Offset: 0, Length: 0})
	failing("a part of no key", fault.Invalid, "", "", source.Range{Offset: 0, Length: 1})
}
