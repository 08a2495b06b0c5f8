package importer_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

const ours = "svs/rgb-240.svs"

// always makes a world that converts everything.
func always(t *testing.T, open func(t *testing.T) objectstore.Driver) *world {
	w := newWorld(t, open)
	w.config.Convert = importer.ConvertAlways
	return w
}

// tileBytes are all tiles of level 0 as viewers get them.
func (w *world) tileBytes(id slide.ID) [][]byte {
	w.t.Helper()
	w.catalog.Forget(id)
	s, err := w.catalog.Open(background, id)
	must(w.t, err)
	var extents []formats.Extent
	for n := range s.Manifest().Description.Levels[0].Tiles() {
		e, err := s.Locate(background, 0, formats.Plane{}, n)
		must(w.t, err)
		extents = append(extents, e)
	}
	tiles, err := s.ReadTiles(background, extents)
	must(w.t, err)
	return tiles
}

func (w *world) manifest(id slide.ID) *slide.Manifest {
	w.t.Helper()
	m, _, err := slide.ReadManifest(background, w.slides, id)
	must(w.t, err)
	return m
}

func TestASlideIsViewedFirstAndConvertedBehind(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			w := always(t, open)
			q, err := local.Open(t.TempDir(), local.Config{})
			must(t, err)
			defer q.Close()
			w.convert = q
			im := w.importer()
			job := w.upload(testfiles.Own(t, ours))
			r, err := im.Import(background, job)
			must(t, err)
			if r.State != importer.StateDone || !r.Viewable || r.Conversion == nil || r.Conversion.State != importer.ConversionQueued {
				t.Fatalf("after the import: %+v, conversion %+v", r, r.Conversion)
			}
			before := w.tileBytes(job.ID)
			if m := w.manifest(job.ID); m.Spatial != "" || len(m.Originals) != 0 {
				t.Errorf("before the conversion the manifest says %q, %v", m.Spatial, m.Originals)
			}
			messages, err := q.Receive(background, 10)
			must(t, err)
			if len(messages) != 1 {
				t.Fatalf("%d messages in the convert queue", len(messages))
			}
			worker := &importer.Worker{Queue: q, Importer: im}
			worker.Process(background, messages[0])
			r, err = im.Report(background, job.ID)
			must(t, err)
			wantConverted(t, w, job, r)
			for i, tile := range w.tileBytes(job.ID) {
				if !bytes.Equal(tile, before[i]) {
					t.Fatalf("tile %d of level 0 is no longer the upload's", i)
				}
			}
		})
	}
}

func wantConverted(t *testing.T, w *world, job importer.Job, r *importer.Report) {
	t.Helper()
	c := r.Conversion
	if r.State != importer.StateDone || r.Lease != nil || !r.Viewable || c == nil || c.State != importer.ConversionDone || c.Error != nil {
		t.Fatalf("report %+v, conversion %+v", r, c)
	}
	if c.Way != "copy" || c.PixelsIdentical != "yes" || c.Why == "" || c.WayWhy == "" || c.BytesIn < r.SourceBytes/4 || c.BytesOut == 0 || c.Levels < 2 {
		t.Errorf("conversion %+v", c)
	}
	m := w.manifest(job.ID)
	if m.Spatial != "PYRTIFF" || len(m.Originals) != 1 || m.Originals[0] != *r.Source || m.Sources[0] != *c.Result || m.Description.Format != "SVS" {
		t.Errorf("manifest: spatial %q, originals %v, sources %v, format %s", m.Spatial, m.Originals, m.Sources, m.Description.Format)
	}
	if last := m.Description.Levels[len(m.Description.Levels)-1]; last.Tiles() != 1 {
		t.Errorf("the coarsest level has %d tiles", last.Tiles())
	}
}

func TestWithoutAConvertQueueTheImporterConverts(t *testing.T) {
	w := always(t, nil)
	job := w.upload(testfiles.Own(t, ours))
	r, err := w.importer().Import(background, job)
	must(t, err)
	wantConverted(t, w, job, r)
	if n := w.events.count(importer.EndSuccessfulImport); n != 1 {
		t.Errorf("the end of the import was told %d times", n)
	}
	again, err := w.importer().Import(background, job)
	must(t, err)
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("report of the duplicate (-first +again):\n%s", diff)
	}
}

func TestConversionReadsTheStructureAndEachTileOnce(t *testing.T) {
	w := always(t, nil)
	q, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer q.Close()
	w.convert = q
	im := w.importer()
	job := w.upload(testfiles.Own(t, ours))
	job.InPlace = true
	_, err = im.Import(background, job)
	must(t, err)
	s, err := w.catalog.Open(background, job.ID)
	must(t, err)
	var want []source.Range
	for level, l := range s.Manifest().Description.Levels {
		for n := range l.Tiles() {
			e, err := s.Locate(background, level, formats.Plane{}, n)
			must(t, err)
			want = append(want, source.Range{Offset: e.Offset, Length: e.Length})
		}
	}
	want = sourcetest.Joined(t, want)
	w.reads.Reset()
	job.Convert = true
	_, err = im.Convert(background, job)
	must(t, err)
	var tiles []source.Range
	structure := map[source.Range]int{}
	for _, read := range w.reads.Reads() {
		r := source.Range{Offset: read.Offset, Length: read.Length}
		if slices.ContainsFunc(want, func(of source.Range) bool { return of.Offset <= r.Offset && r.Offset < of.End() }) {
			tiles = append(tiles, r)
			continue
		}
		structure[r]++
	}
	if diff := cmp.Diff(want, sourcetest.Joined(t, tiles)); diff != "" {
		t.Errorf("tiles read (-want +got):\n%s", diff)
	}
	for r, n := range structure {
		if n > 1 {
			t.Errorf("%d bytes of structure at byte %d were read %d times", r.Length, r.Offset, n)
		}
	}
	if len(structure) == 0 || len(structure) > 12 {
		t.Errorf("the structure was read in %d pieces", len(structure))
	}
}

// TestKilledAtEveryWrite has the process die at each of its writes in turn. What
// follows ends with a whole slide and nothing else.
func TestKilledAtEveryWriteOfAConversion(t *testing.T) {
	var whole []string
	for n := 1; ; n++ {
		w := always(t, nil)
		job := w.upload(testfiles.Own(t, ours))
		w.writes.arm(n, true)
		_, err := w.importer().Import(background, job)
		died := w.writes.struck()
		if died && err == nil && !afterTheEnd(w) {
			t.Errorf("write %d: the process died without an error", n)
		}
		w.writes.arm(0, false)
		w.clock.Advance(2 * time.Minute) // the lease passes
		if died {
			if s, err := w.catalog.Open(background, job.ID); err == nil {
				w.tileBytes(s.ID()) // whatever is visible is whole
			}
		}
		r, err := w.importer().Import(background, job)
		must(t, err)
		wantConverted(t, w, job, r)
		left := keys(t, w.slides, job.ID)
		if whole == nil {
			whole = left
		}
		if diff := cmp.Diff(whole, left); diff != "" {
			t.Errorf("killed at write %d, stored (-whole +got):\n%s", n, diff)
		}
		if uploads := w.uploaded(); len(uploads) != 0 {
			t.Errorf("killed at write %d: uploads left: %v", n, uploads)
		}
		if !died {
			if n < 10 {
				t.Errorf("the import makes %d writes only", n-1)
			}
			return
		}
	}
}

// afterTheEnd tells whether the last write of all was lost, which nobody waits
// for: the upload's removal.
func afterTheEnd(w *world) bool { return w.events.count(importer.EndSuccessfulImport) > 0 }

func TestAConversionThatFailsLeavesTheSlideAsItWas(t *testing.T) {
	w := always(t, nil)
	b, err := os.ReadFile(testfiles.Own(t, ours))
	must(t, err)
	// Not one of the tiles that the check of the import looks at.
	probe := newWorld(t, nil)
	sample := probe.uploadBytes("probe.svs", b)
	_, err = probe.importer().Import(background, sample)
	must(t, err)
	s, err := probe.catalog.Open(background, sample.ID)
	must(t, err)
	e, err := s.Locate(background, 0, formats.Plane{}, 1)
	must(t, err)
	broken := bytes.Clone(b)
	clear(broken[e.Offset+2 : e.Offset+e.Length])
	// Without its overviews the slide needs level 0 decoded.
	w.formats = []formats.Format{onlyFinest{svs.New()}}
	job := w.uploadBytes("broken.svs", broken)
	r, err := w.importer().Import(background, job)
	must(t, err)
	if r.State != importer.StateDone || !r.Viewable || r.Conversion.State != importer.ConversionFailed || r.Conversion.Error.Code == "" || r.Lease != nil {
		t.Fatalf("report %+v, conversion %+v", r, r.Conversion)
	}
	if slices.Contains(keys(t, w.slides, job.ID), "processed/visualisation.tif") {
		t.Error("half a conversion is left")
	}
	if m := w.manifest(job.ID); m.Spatial != "" {
		t.Error("the sidecar was switched over")
	}
	w.tileBytes(job.ID)
}

// onlyFinest hides the overviews of a format's slides.
type onlyFinest struct{ formats.Format }

func (f onlyFinest) Open(ctx context.Context, b source.Bundle) (formats.Image, error) {
	img, err := f.Format.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	return finest{img, img.(formats.TileLocator)}, nil
}

type finest struct {
	formats.Image
	formats.TileLocator
}

func (f finest) Describe(ctx context.Context) (*formats.Description, error) {
	d, err := f.Image.Describe(ctx)
	if err == nil {
		d.Levels = d.Levels[:1]
	}
	return d, err
}

// drawn is a format whose pictures have no addressable tiles.
type drawn struct{ width, height int }

func (drawn) Info() formats.Info {
	return formats.Info{ID: "DRAWN", Name: "Drawn", Importable: true, Convertible: true}
}
func (drawn) Probe(context.Context, *formats.Candidate) (formats.Match, error) {
	return formats.Match{OK: true, Why: "it takes all"}, nil
}
func (d drawn) Open(context.Context, source.Bundle) (formats.Image, error) { return d, nil }
func (d drawn) Describe(context.Context) (*formats.Description, error) {
	return &formats.Description{
		Format: "DRAWN", Width: d.width, Height: d.height, Depth: 2, Duration: 1, ConcreteChannels: 1, Samples: 1,
		PixelType: pixel.Uint16, SignificantBits: 16, Channels: []formats.Channel{{Name: "L"}},
		Levels: []formats.Level{{Width: d.width, Height: d.height, TileWidth: d.width, TileHeight: 1}},
	}, nil
}
func (d drawn) ReadRegion(_ context.Context, _ int, p formats.Plane, x, y, width, height int) (*pixel.Raster, error) {
	r := pixel.New(width, height, 1, pixel.Uint16)
	for row := range height {
		line := r.Row(row)
		for i := range width {
			v := (x+i)*3 + (y+row)*5 + 1000*p.Z
			line[2*i], line[2*i+1] = byte(v), byte(v>>8)
		}
	}
	return r, nil
}

func TestAPictureWithoutTilesIsSeenOnceItIsConverted(t *testing.T) {
	w := newWorld(t, nil)
	w.formats = []formats.Format{drawn{700, 300}}
	q, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer q.Close()
	w.convert = q
	im := w.importer()
	job := w.uploadBytes("drawing", []byte("drawing"))
	r, err := im.Import(background, job)
	must(t, err)
	if r.State != importer.StateConverting || r.Viewable || r.Lease != nil {
		t.Fatalf("after the import: %+v", r)
	}
	if _, err := w.catalog.Open(background, job.ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the slide can be opened before it is whole: %v", err)
	}
	// A duplicate of the event waits for the conversion too.
	again, err := im.Import(background, job)
	must(t, err)
	if again.State != importer.StateConverting {
		t.Errorf("the duplicate says %s", again.State)
	}
	for range 2 { // the second message finds the work done
		messages, err := q.Receive(background, 1)
		must(t, err)
		(&importer.Worker{Queue: q, Importer: im}).Process(background, messages[0])
	}
	r, err = im.Report(background, job.ID)
	must(t, err)
	if r.State != importer.StateDone || !r.Viewable || !r.PixelsIdentical || r.Conversion.Way != "transcode" || r.Conversion.Codec != formats.CodecDeflate {
		t.Fatalf("after the conversion: %+v, %+v", r, r.Conversion)
	}
	if left := w.uploaded(); len(left) != 0 {
		t.Errorf("uploads left: %v", left)
	}
	m := w.manifest(job.ID)
	if m.Spatial != "PYROMETIFF" || m.Description.Depth != 2 || len(m.Bounds) != 1 {
		t.Errorf("manifest %+v", m)
	}
	s, err := w.catalog.Open(background, job.ID)
	must(t, err)
	e, err := s.Locate(background, 0, formats.Plane{Z: 1}, 1)
	must(t, err)
	tiles, err := s.ReadTiles(background, []formats.Extent{e})
	must(t, err)
	l := m.Description.Levels[0]
	got, err := codec.Decode(m.Encodings[l.Encoding], tiles[0], l.TileWidth, l.TileHeight)
	must(t, err)
	want, err := drawn{}.ReadRegion(background, 0, formats.Plane{Z: 1}, 256, 0, 256, 256)
	must(t, err)
	if !bytes.Equal(got.Pix, want.Pix) {
		t.Error("the tile is not what the format draws")
	}
}

func TestNeverMeansNever(t *testing.T) {
	w := newWorld(t, nil)
	w.config.Convert = importer.ConvertNever
	w.formats = []formats.Format{drawn{700, 300}}
	job := w.uploadBytes("drawing", []byte("drawing"))
	r, err := w.importer().Import(background, job)
	w.wantFailed(r, err, job)
	if r.Error.Code != "conversion-needed" {
		t.Errorf("reason %+v", r.Error)
	}
}

func TestALongConversionIsLeftToOthers(t *testing.T) {
	w := newWorld(t, nil)
	q, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer q.Close()
	w.convert, w.formats, w.config.ConvertLongest = q, []formats.Format{drawn{7000, 3000}}, time.Second
	job := w.uploadBytes("drawing", []byte("drawing"))
	_, err = w.importer().Import(background, job)
	must(t, err)
	job.Convert = true
	if _, err = w.importer().Import(background, job); fault.KindOf(err) != fault.Busy || fault.CodeOf(err) != "conversion-too-long" {
		t.Errorf("error %v", err)
	}
	r, err := w.importer().Report(background, job.ID)
	must(t, err)
	if r.Lease != nil || r.Conversion.State != importer.ConversionQueued {
		t.Errorf("conversion %+v, lease %v", r.Conversion, r.Lease)
	}
}

func TestALongConversionGoesToTheQueueOfLargeOnes(t *testing.T) {
	w := newWorld(t, nil)
	q, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer q.Close()
	large, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer large.Close()
	w.convert, w.larger, w.formats, w.config.ConvertLongest = q, large, []formats.Format{drawn{3000, 2000}}, time.Second
	job := w.uploadBytes("drawing", []byte("drawing"))
	_, err = w.importer().Import(background, job)
	must(t, err)
	job.Convert = true
	r, err := w.importer().Import(background, job)
	must(t, err)
	if r.Lease != nil || r.Conversion.State != importer.ConversionQueued {
		t.Errorf("conversion %+v, lease %v", r.Conversion, r.Lease)
	}
	got, err := large.Receive(background, 2)
	must(t, err)
	if len(got) != 1 || !bytes.Equal(got[0].Body, job.Encode()) {
		t.Fatalf("the queue of large ones has %d messages: %s", len(got), got[0].Body)
	}
	// Whoever works on that queue has the time.
	w.larger, w.config.ConvertLongest = nil, 0
	r, err = w.importer().Import(background, job)
	must(t, err)
	if r.Conversion.State != importer.ConversionDone {
		t.Errorf("conversion %+v", r.Conversion)
	}
}

func TestReindexKeepsTheConversion(t *testing.T) {
	w := always(t, nil)
	job := w.upload(testfiles.Own(t, ours))
	im := w.importer()
	r, err := im.Import(background, job)
	must(t, err)
	want := w.tileBytes(job.ID)
	_, err = w.slides.Put(background, job.ID.SidecarKey(), bytes.NewReader([]byte("broken")), 6, objectstore.PutOptions{})
	must(t, err)
	_, err = im.Reindex(background, job.ID)
	must(t, err)
	if m := w.manifest(job.ID); m.Spatial != "PYRTIFF" || m.Sources[0] != *r.Conversion.Result {
		t.Errorf("manifest %+v", m)
	}
	if diff := cmp.Diff(want, w.tileBytes(job.ID)); diff != "" {
		t.Error("tiles changed")
	}
}

func TestWhatIsFineIsNotConverted(t *testing.T) {
	for _, name := range []string{ours, "svs/ycbcr-256.svs", "pyrtiff/jpeg-ycbcr-pages.tif", "pyrtiff/none-pages.tif"} {
		w := newWorld(t, func(*testing.T) objectstore.Driver { return memory.New() })
		r, err := w.importer().Import(background, w.upload(testfiles.Own(t, name)))
		must(t, err)
		if r.Conversion != nil {
			t.Errorf("%s: %s", name, fmt.Sprint(r.Conversion))
		}
	}
}
