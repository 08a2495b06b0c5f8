package slide

import (
	"testing"

	"github.com/pims-cloud/pims/fault"
)

func TestSameUploadSameID(t *testing.T) {
	a := DeriveID("uploads", "a/slide.svs", "etag")
	if b := DeriveID("uploads", "a/slide.svs", "etag"); a != b {
		t.Errorf("the same upload has ids %s and %s", a, b)
	}
	// The id is stored in other systems: this value may never change.
	if want := ID("upload-0aa89d46-b5e8-5475-820c-826d240d619a"); a != want {
		t.Errorf("got %s, want %s", a, want)
	}
	for _, other := range []ID{DeriveID("uploads", "a/slide.svs", "etag2"), DeriveID("uploads", "a/slide", ".svsetag"), DeriveID("upload", "sa/slide.svs", "etag")} {
		if other == a {
			t.Errorf("another upload has the same id %s", other)
		}
	}
	if _, err := ParseID(string(a)); err != nil {
		t.Error(err)
	}
}

func TestPathsStayInsideTheSlide(t *testing.T) {
	const id = "upload-0b0a7d2c-97a1-5a35-8f3e-0c8a1d1f2e3b"
	for path, rest := range map[string]string{
		id: "", id + "/a.svs": "a.svs", id + "/processed/original.SVS": "processed/original.SVS",
	} {
		got, gotRest, err := PathID(path)
		if err != nil || string(got) != id || gotRest != rest {
			t.Errorf("%s: got %s, %q, %v", path, got, gotRest, err)
		}
	}
	for _, path := range []string{
		"", "/", "/" + id + "/a", id + "/../x", id + "/a//b", id + "/.", id + "/..", "..", "upload-x/a", "other/" + id,
		"UPLOAD-0b0a7d2c-97a1-5a35-8f3e-0c8a1d1f2e3b", "upload-0B0A7D2C-97a1-5a35-8f3e-0c8a1d1f2e3b", "upload-{0b0a7d2c-97a1-5a35-8f3e-0c8a1d1f2e3b}",
		"upload-0b0a7d2c97a15a358f3e0c8a1d1f2e3b/a",
	} {
		if _, _, err := PathID(path); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: got %v, want kind not-found", path, err)
		}
	}
}
