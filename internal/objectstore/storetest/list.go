package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

func testListOrder(t *testing.T, s *suite) {
	// In a folder, "a" and what is below it are not neighbours of "a-b" and
	// "a.b" by name, but by key they are: '-' < '.' < '/' < '0'.
	keys := []string{
		"a-b", "a-b2/x", "a.b", "a.b2/x", "a/1", "a/b-c", "a/b/c", "a/b0", "a0", "a0b/x", "aa", "b", "b-", "é", "日本/語",
	}
	for _, i := range []int{7, 3, 11, 0, 14, 5, 9, 1, 13, 4, 2, 12, 6, 10, 8} {
		s.put(keys[i], []byte(keys[i]))
	}
	if got := s.keys(""); !slices.Equal(got, keys) {
		t.Errorf("listed %q\nwant   %q", got, keys)
	}
	for o, err := range s.store().List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		stat, err := s.store().Stat(t.Context(), o.Key)
		if err != nil || o.ETag != stat.ETag || o.Size != stat.Size || o.ModTime.IsZero() {
			t.Errorf("listed %+v, stat %+v, %v", o, stat, err)
		}
	}
}

func testListPrefix(t *testing.T, s *suite) {
	for _, key := range []string{"a/b/1", "a/b/2", "a/bc", "a/b", "ab", "z"} {
		if key == "a/b" {
			continue // a file can not be where a folder is
		}
		s.put(key, []byte("x"))
	}
	for prefix, want := range map[string][]string{
		"":          {"a/b/1", "a/b/2", "a/bc", "ab", "z"},
		"a":         {"a/b/1", "a/b/2", "a/bc", "ab"},
		"a/":        {"a/b/1", "a/b/2", "a/bc"},
		"a/b":       {"a/b/1", "a/b/2", "a/bc"},
		"a/b/":      {"a/b/1", "a/b/2"},
		"a/b/2":     {"a/b/2"},
		"a/b/2/":    nil,
		"a/b/3":     nil,
		"q/r/s":     nil,
		"z/":        nil,
		"a/b/1/x/y": nil,
	} {
		if got := s.keys(prefix); !slices.Equal(got, want) {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
	for _, prefix := range []string{"/", "/a", "a//", "../", "a/../b", "a\x00"} {
		var err error
		for _, err = range s.store().List(t.Context(), prefix) {
		}
		s.wantKind(fmt.Sprintf("list %q", prefix), err, fault.Invalid)
	}
}

func testListLeft(t *testing.T, s *suite) {
	for i := range 10 {
		s.put(fmt.Sprintf("d%d/k", i), nil)
	}
	seen := 0
	for range s.store().List(t.Context(), "") {
		if seen++; seen == 3 {
			break
		}
	}
	for range s.store().Folders(t.Context(), "") {
		if seen++; seen == 6 {
			break
		}
	}
	if seen != 6 {
		t.Errorf("saw %d", seen)
	}
}

func testFolders(t *testing.T, s *suite) {
	for _, key := range []string{
		"file", "a/1", "a/2", "a-b/1", "a/deep/1", "ü b/x", "upload-1/processed/slide.pims", "upload-1/slide.svs", "gone/x",
	} {
		s.put(key, []byte("x"))
	}
	if err := s.store().Delete(t.Context(), "gone/x"); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string][]string{
		"":          {"a-b", "a", "upload-1", "ü b"}, // by key: "a-b/" < "a/"
		"a/":        {"deep"},
		"upload-1/": {"processed"},
		"a-b/":      nil,
		"missing/":  nil,
		"file/":     nil,
	} {
		var got []string
		for name, err := range s.store().Folders(t.Context(), prefix) {
			if err != nil {
				t.Fatalf("folders of %q: %v", prefix, err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("folders of %q: %q, want %q", prefix, got, want)
		}
	}
	var err error
	for _, err = range s.store().Folders(t.Context(), "a") {
	}
	s.wantKind("folders of a prefix without slash", err, fault.Invalid)
}

func testDelete(t *testing.T, s *suite) {
	s.put("a/b/c", []byte("x"))
	s.put("a/d", []byte("x"))
	for _, keys := range [][]string{{"missing"}, {"a"}, {"a/b"}, {"a/d/below"}, {}} {
		if err := s.store().Delete(t.Context(), keys...); err != nil {
			t.Errorf("delete of %q, which are not there: %v", keys, err)
		}
	}
	if got, want := s.keys(""), []string{"a/b/c", "a/d"}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	if err := s.store().Delete(t.Context(), "a/b/c", "missing", "a/d"); err != nil {
		t.Fatal(err)
	}
	if got := s.keys(""); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	// Where folders were, an object can be.
	s.put("a", []byte("now a file"))
	s.wantContent("a", []byte("now a file"))
}

func testDeleteMany(t *testing.T, s *suite) {
	if testing.Short() {
		t.Skip("more than a page of objects takes a while")
	}
	var keys []string
	for i := range 1100 { // more than one page of S3
		key := fmt.Sprintf("many/%04d", i)
		s.put(key, nil)
		keys = append(keys, key)
	}
	if got := s.keys("many/"); !slices.Equal(got, keys) {
		t.Errorf("listed %d keys, want %d", len(got), len(keys))
	}
	if err := s.store().Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	if got := s.keys(""); len(got) != 0 {
		t.Errorf("%d are left", len(got))
	}
}

func testCopy(t *testing.T, s *suite) {
	data := noise(7, 12<<20)
	o := s.put("from here/a+b c.svs", data)
	other := &suite{t: t, open: s.open, driver: s.open(t)}
	for name, to := range map[string]*suite{"within": s, "between stores": other} {
		copied, err := to.store().Copy(t.Context(), s.store(), o, "to/ü.svs", objectstore.PutOptions{ContentType: "image/tiff"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		stat, err := to.store().Stat(t.Context(), "to/ü.svs")
		if err != nil || stat.ETag != copied.ETag || stat.Size != o.Size || copied.Size != o.Size || copied.Key != "to/ü.svs" {
			t.Errorf("%s: copied %+v, stat %+v, %v", name, copied, stat, err)
		}
		to.wantContent("to/ü.svs", data)
	}
	_, err := s.store().Copy(t.Context(), s.store(), objectstore.Object{Key: "missing", ETag: "x"}, "k", objectstore.PutOptions{})
	s.wantKind("copy of what is missing", err, fault.NotFound)
	s.put(o.Key, []byte("replaced"))
	_, err = s.store().Copy(t.Context(), s.store(), o, "k", objectstore.PutOptions{})
	s.wantKind("copy of a replaced object", err, fault.Changed)
	_, err = s.store().Stat(t.Context(), "k")
	s.wantKind("stat of what was not copied", err, fault.NotFound)
}

func testCopyIndependent(t *testing.T, s *suite) {
	o := s.put("original", []byte("original"))
	copied, err := s.store().Copy(t.Context(), s.store(), o, "copy", objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.put("original", []byte("replaced"))
	s.wantContent("copy", []byte("original"))
	if err := s.store().Delete(t.Context(), "original"); err != nil {
		t.Fatal(err)
	}
	s.wantContent("copy", []byte("original"))
	if _, err := s.store().ReadRanges(t.Context(), "copy", copied.ETag, one(0, 8)); err != nil {
		t.Errorf("the copy changed with the original: %v", err)
	}
}

func testCopyConditions(t *testing.T, s *suite) {
	o := s.put("from", []byte("from"))
	there := s.put("there", []byte("there"))
	_, err := s.store().Copy(t.Context(), s.store(), o, "there", objectstore.PutOptions{OnlyIfAbsent: true})
	s.wantKind("copy onto what is there", err, fault.Changed)
	_, err = s.store().Copy(t.Context(), s.store(), o, "there", objectstore.PutOptions{OnlyIfETag: "another"})
	s.wantKind("copy onto another version", err, fault.Changed)
	s.wantContent("there", []byte("there"))
	if _, err = s.store().Copy(t.Context(), s.store(), o, "there", objectstore.PutOptions{OnlyIfETag: there.ETag}); err != nil {
		t.Errorf("copy onto the right version: %v", err)
	}
	if _, err = s.store().Copy(t.Context(), s.store(), o, "new", objectstore.PutOptions{OnlyIfAbsent: true}); err != nil {
		t.Errorf("copy to a new key: %v", err)
	}
	s.wantContent("there", []byte("from"))
	got, _, err := s.store().Get(t.Context(), "new", 100)
	if err != nil || !bytes.Equal(got, []byte("from")) {
		t.Errorf("the new key has %q, %v", got, err)
	}
}
