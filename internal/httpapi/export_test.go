package httpapi_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/formats"
	aperio "github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

func TestExportGivesTheUploadByteForByte(t *testing.T) {
	s := newService(t, "")
	file := testfiles.Own(t, "svs/rgb-240.svs")
	path := s.add(file)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for url, mediaType := range map[string]string{
		"/file/" + path + "/export": "application/octet-stream", "/image/" + path + "/export": aperio.New().Info().MediaType,
	} {
		got := s.get(url).want(t, http.StatusOK)
		if !bytes.Equal(got.raw, want) {
			t.Errorf("%s: %d bytes that are not the upload's %d", url, len(got.raw), len(want))
		}
		for header, value := range map[string]string{
			"Content-Type": mediaType, "Accept-Ranges": "bytes",
			"Content-Disposition": `attachment; filename="rgb-240.svs"`,
		} {
			if got.Header.Get(header) != value {
				t.Errorf("%s: %s is %q, want %q", url, header, got.Header.Get(header), value)
			}
		}
		if got.Header.Get("ETag") == "" || got.Header.Get("Last-Modified") == "" {
			t.Errorf("%s: ETag %q and Last-Modified %q, want both", url, got.Header.Get("ETag"), got.Header.Get("Last-Modified"))
		}
	}
	s.get("/file/"+strings.Split(path, "/")[0]+"/processed/histogram/export").want(t, http.StatusBadRequest)
}

func TestExportAnswersRangesAndConditions(t *testing.T) {
	s := newService(t, "")
	file := testfiles.Own(t, "svs/rgb-240.svs")
	path := s.add(file)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	url := "/image/" + path + "/export"
	whole := s.get(url).want(t, http.StatusOK)
	tag, at := whole.Header.Get("ETag"), whole.Header.Get("Last-Modified")
	for name, c := range map[string]struct {
		headers []string
		status  int
		body    []byte
	}{
		"first bytes":             {[]string{"Range: bytes=0-9"}, 206, want[:10]},
		"last bytes":              {[]string{"Range: bytes=-7"}, 206, want[len(want)-7:]},
		"to the end":              {[]string{"Range: bytes=100-"}, 206, want[100:]},
		"same version":            {[]string{"Range: bytes=1-2", "If-Range: " + tag}, 206, want[1:3]},
		"another version":         {[]string{"Range: bytes=1-2", `If-Range: "other"`}, 200, want},
		"known":                   {[]string{"If-None-Match: " + tag}, 304, nil},
		"not changed since":       {[]string{"If-Modified-Since: " + at}, 304, nil},
		"only if another version": {[]string{`If-Match: "other"`}, 412, nil},
	} {
		got := s.get(url, c.headers...)
		if got.StatusCode != c.status || (c.status != 412 && !bytes.Equal(got.raw, c.body)) {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", name, got.StatusCode, len(got.raw), c.status, len(c.body))
		}
	}
	beyond := s.get(url, "Range: bytes=99999999-").want(t, http.StatusRequestedRangeNotSatisfiable)
	if !bytes.Contains(beyond.body, []byte(`"code":"range-not-satisfiable"`)) || beyond.Header.Get("Content-Type") != "application/json" {
		t.Errorf("beyond the end: %s %s", beyond.Header.Get("Content-Type"), beyond.body)
	}
	head := s.send(http.MethodHead, url, "").want(t, http.StatusOK)
	if head.ContentLength != int64(len(want)) || len(head.raw) != 0 {
		t.Errorf("HEAD: Content-Length %d and %d bytes, want %d and none", head.ContentLength, len(head.raw), len(want))
	}
}

func TestAPartIsReadAsAPart(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	s.get("/image/"+path+"/info").want(t, http.StatusOK) // the sidecar is read
	s.slides.Reset()
	s.get("/image/"+path+"/export", "Range: bytes=1000-1999").want(t, http.StatusPartialContent)
	want := []recording.Read{{Key: path, Offset: 0, Length: 1}, {Key: path, Offset: 1000, Length: 1000}}
	if diff := cmp.Diff(want, s.slides.Reads()); diff != "" {
		t.Errorf("reads for a part of a file (-want +got):\n%s", diff)
	}
}

func TestDownloadNamesSurviveHeaders(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	for asked, want := range map[string]string{
		"x.svs":           "x.svs",
		"my%20file.bin":   "my file.bin",
		"n%C3%A4me.svs":   "näme.svs",
		"..%2F..%2Fa.svs": "a.svs",
		"a%0D%0AX-A%3Ab":  "aX-A:b",
		"q%22uote.svs":    `q"uote.svs`,
		"":                "rgb-240.svs",
		"..":              "rgb-240.svs",
	} {
		got := s.get("/image/"+path+"/export?filename="+asked).want(t, http.StatusOK)
		_, params, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		if err != nil || params["filename"] != want {
			t.Errorf("filename=%s: %q (%v), want %q", asked, got.Header.Get("Content-Disposition"), err, want)
		}
	}
}

func TestASlideOfSeveralFilesIsOneArchive(t *testing.T) {
	s := newService(t, "")
	path := s.addParts("a.dat", "sub/b.dat")
	got := s.get("/image/"+path+"/export").want(t, http.StatusOK)
	archive, err := zip.NewReader(bytes.NewReader(got.raw), int64(len(got.raw)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, member := range archive.File {
		body, err := member.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if member.Method != zip.Store {
			t.Errorf("%s is compressed", member.Name)
		}
		found[member.Name] = string(text)
	}
	if len(found) != 2 || found["a.dat"] != "content of a.dat" || found["sub/b.dat"] != "content of sub/b.dat" {
		t.Errorf("the archive holds %v", found)
	}
}

// addParts registers a slide of one blank tile whose sources are small texts.
func (s *service) addParts(names ...string) (path string) {
	s.t.Helper()
	ctx := context.Background()
	slides := objectstore.New(s.slides)
	id := slide.DeriveID("test", "parts", "1")
	m := &slide.Manifest{
		Creator: "test", CreatedAt: time.Unix(0, 0), Name: "parts.zip", OriginalName: "parts.zip",
		Encodings: []formats.Encoding{{Codec: formats.CodecNone, Samples: 3, PixelType: pixel.Uint8}},
		Description: formats.Description{
			Format: "MRXS", Width: 8, Height: 8, Depth: 1, Duration: 1, ConcreteChannels: 1, Samples: 3,
			PixelType: pixel.Uint8, SignificantBits: 8, Channels: make([]formats.Channel, 3),
			Levels: []formats.Level{{Width: 8, Height: 8, TileWidth: 8, TileHeight: 8}},
		},
	}
	put := func(key, text string) objectstore.Object {
		object, err := slides.Put(ctx, key, strings.NewReader(text), int64(len(text)), objectstore.PutOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		return object
	}
	for _, name := range names {
		object := put(id.Prefix()+name, "content of "+name)
		m.Sources = append(m.Sources, slide.SourceObject{In: slide.InSlides, Key: object.Key, Size: object.Size, ETag: object.ETag})
	}
	var sidecar bytes.Buffer
	err := slide.Encode(ctx, &sidecar, m, func(_ context.Context, _, _, _, count int) ([]formats.Extent, error) {
		return slices.Repeat([]formats.Extent{{Blank: true}}, count), nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	put(id.SidecarKey(), sidecar.String())
	return string(id) + "/" + m.Name
}
