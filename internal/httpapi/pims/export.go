package pims

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// octets is the media type of a file of which nothing else is said.
const octets = "application/octet-stream"

// exportImage answers with the upload, as the media type of its format
// (pims-api §3.15).
func (a *API) exportImage(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		mediaType := octets
		if format, ok := a.Registry.ByID(f.Manifest().Description.Format); ok && format.Info().MediaType != "" {
			mediaType = format.Info().MediaType
		}
		return a.export(w, r, f, mediaType)
	})
}

// exportFile answers with the file that a path names. What PIMS keeps as a
// folder of numbers, the histogram, is no file.
func (a *API) exportFile(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		if f.role == roleNone {
			return problem.BadTitle("not-exportable", "Bad Request")
		}
		return a.export(w, r, f, octets)
	})
}

func (a *API) export(w http.ResponseWriter, r *http.Request, f found, mediaType string) error {
	m := f.Manifest()
	name := downloadName(r.URL.Query().Get("filename"), m.OriginalName, m.Name)
	if len(m.Uploaded()) != 1 {
		return exportZip(w, r, f, name)
	}
	if a.linked(r, m.Uploaded()[0]) {
		return a.exportLink(w, r, m.Uploaded()[0].Key, mediaType, name)
	}
	content, err := openContent(r.Context(), f.Slide, 0, r.Header.Get("Range") == "")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", attachment(name))
	h.Set("ETag", contentTag(m.Uploaded()[0]))
	h.Set("Cache-Control", "private,no-cache")
	guard := &rangeGuard{ResponseWriter: w}
	http.ServeContent(guard, r, "", f.ModTime(), content)
	if guard.refused {
		h.Del("Content-Disposition")
		return problem.RangeNotSatisfiable(r.Header.Get("Range"), content.size)
	}
	return nil
}

// linked tells whether an export is sent by the store itself: where that is
// configured and the store has addresses, of objects that nobody replaces. The
// address is for GET alone, and who has the file already is told so from here.
func (a *API) linked(r *http.Request, o slide.SourceObject) bool {
	return a.Limits.ExportLink > 0 && r.Method == http.MethodGet && r.Header.Get("If-None-Match") == "" &&
		r.Header.Get("If-Modified-Since") == "" && o.In == slide.InSlides && a.Slides.CanPresign()
}

// exportLink sends the client to the store. A client asks there with the Range
// that it asked here.
func (a *API) exportLink(w http.ResponseWriter, r *http.Request, key, mediaType, name string) error {
	address, err := a.Slides.PresignGet(r.Context(), key, objectstore.PresignOptions{
		ValidFor: a.Limits.ExportLink, ContentType: mediaType, ContentDisposition: attachment(name), CacheControl: "private,no-cache",
	})
	if err != nil {
		return err
	}
	// The address lets everybody read the file while it holds: no cache keeps it.
	w.Header().Set("Cache-Control", "private,no-store")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// downloadName is the first of the names that has something to it, without
// folders and control characters.
func downloadName(names ...string) string {
	for _, name := range names {
		name = path.Base(strings.ReplaceAll(name, `\`, "/"))
		name = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == unicode.ReplacementChar {
				return -1
			}
			return r
		}, name)
		if name != "" && name != "." && name != ".." && name != "/" {
			return name
		}
	}
	return "slide"
}

// attachment writes plain names as they are and all others in the extended
// notation of RFC 8187, as PIMS does.
func attachment(name string) string {
	const plain = "-._~"
	encoded := percentEncoded(name, plain)
	if encoded == name {
		return `attachment; filename="` + name + `"`
	}
	return "attachment; filename*=utf-8''" + encoded
}

func percentEncoded(text, also string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(also, c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		}
	}
	return out.String()
}

// contentTag is strong: reads are pinned to the version that was imported.
func contentTag(o slide.SourceObject) string {
	sum := sha256.Sum256([]byte(o.In + "\n" + o.Key + "\n" + o.ETag))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// rangeGuard keeps http.ServeContent from writing an error's text itself.
type rangeGuard struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader holds back 416; all other statuses pass.
func (g *rangeGuard) WriteHeader(status int) {
	if g.refused = status == http.StatusRequestedRangeNotSatisfiable; !g.refused {
		g.ResponseWriter.WriteHeader(status)
	}
}

// Write drops the text that follows a refused status.
func (g *rangeGuard) Write(p []byte) (int, error) {
	if g.refused {
		return len(p), nil
	}
	return g.ResponseWriter.Write(p)
}

// Sizes of reads while a file is streamed, in bytes: each is twice as long as
// the one before it, so that a client that wants little makes little be read.
const (
	leastContentRead = 64 << 10
	mostContentRead  = 2 << 20
	copyBuffer       = 32 << 10 // of io.Copy: a shorter one is all that is wanted
)

// content is a source as http.ServeContent wants it: reads are ranges of the
// store, pinned to the version that was imported, and memory is one of them.
type content struct {
	ctx    context.Context // of the request, which content does not outlive
	reader source.Reader
	size   int64
	at     int64
	start  int64  // of window
	window []byte // what was read last
}

// openContent reads the beginning, or one byte when it will not be sent, so
// that a source that is gone or replaced is told as an error and not in the
// middle of an answer.
func openContent(ctx context.Context, s *slide.Slide, n int, fromStart bool) (*content, error) {
	reader, err := s.OpenUploaded(n)
	if err != nil {
		return nil, err
	}
	c := &content{ctx: ctx, reader: reader, size: reader.Size()}
	length := int64(1)
	if fromStart {
		length = leastContentRead
	}
	if err := c.load(0, min(length, c.size)); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *content) load(offset, length int64) error {
	if length == 0 {
		return nil
	}
	got, err := c.reader.ReadRanges(c.ctx, []source.Range{{Offset: offset, Length: length}})
	if fault.KindOf(err) == fault.NotFound {
		// To whoever holds the slide, removed and replaced are both reasons to
		// open it again.
		return fault.New(fault.Changed, "source-gone", "The file of this slide is no longer there.").Because(err)
	}
	if err != nil {
		return err
	}
	c.start, c.window = offset, got[0]
	return nil
}

// Seek moves where the next Read begins.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, fault.New(fault.Invalid, "seek", "There is nothing before the beginning of a file.")
	}
	c.at = offset
	return offset, nil
}

// Read gives what the last range read still holds, else the next range.
func (c *content) Read(p []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if c.at < c.start || c.at >= c.start+int64(len(c.window)) {
		length := int64(len(p))
		if len(p) >= copyBuffer {
			length = min(max(leastContentRead, 2*int64(len(c.window))), mostContentRead)
		}
		if err := c.load(c.at, min(length, c.size-c.at)); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.window[c.at-c.start:])
	c.at += int64(n)
	return n, nil
}

// exportZip streams a slide of several files as one archive, not compressed,
// with names relative to the slide (pims-api §3.15). Its size is not known
// before, so it has no ranges.
func exportZip(w http.ResponseWriter, r *http.Request, f found, name string) error {
	m := f.Manifest()
	if len(m.Uploaded()) == 0 {
		return problem.NoRepresentation(f.path, roleUpload)
	}
	if !strings.EqualFold(path.Ext(name), ".zip") {
		name += ".zip"
	}
	first, err := openContent(r.Context(), f.Slide, 0, true)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", attachment(name))
	h.Set("Last-Modified", f.ModTime().UTC().Format(http.TimeFormat))
	h.Set("ETag", `W/"`+m.Version+`"`)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	archive := zip.NewWriter(w)
	for n, o := range m.Uploaded() {
		body := first
		if n > 0 {
			if body, err = openContent(r.Context(), f.Slide, n, true); err != nil {
				panic(http.ErrAbortHandler) // the status is sent: only a broken connection tells
			}
		}
		if err := addMember(archive, memberName(f.ID(), o), f.ModTime(), body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if archive.Close() != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func addMember(archive *zip.Writer, name string, at time.Time, body io.Reader) error {
	member, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: at})
	if err != nil {
		return err
	}
	_, err = io.Copy(member, body)
	return err
}

// memberName is the path below the slide's folder, or the last element of a
// key elsewhere.
func memberName(id slide.ID, o slide.SourceObject) string {
	if rest, ok := strings.CutPrefix(o.Key, id.Prefix()); ok && o.In == slide.InSlides {
		return rest
	}
	return path.Base(o.Key)
}
