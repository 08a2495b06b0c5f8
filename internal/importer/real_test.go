package importer_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
)

// TestRealSlidesAreImportedWhole imports what scanners wrote and decodes every
// tile through the sidecar.
func TestRealSlidesAreImportedWhole(t *testing.T) {
	for _, folder := range []string{"svs", "svs-jpeg2000"} {
		root := testfiles.Shared(t, folder)
		entries, err := os.ReadDir(root)
		must(t, err)
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".svs" {
				continue
			}
			t.Run(e.Name(), func(t *testing.T) {
				w := newWorld(t, nil)
				r, err := w.importer().Import(background, w.upload(filepath.Join(root, e.Name())))
				must(t, err)
				if r.State != importer.StateDone || r.Format != "SVS" {
					t.Fatalf("report: %+v", r)
				}
				t.Logf("%d×%d, %d levels, %d tiles; read %d of %d bytes; warnings %v", r.Width, r.Height, r.Levels, r.Tiles, r.BytesRead, r.SourceBytes, r.Warnings)
				var progress float64
				v, err := w.importer().Verify(background, r.ID, true, func(p float64) { progress = p })
				must(t, err)
				if !v.OK() || progress != 1 || r.Viewable && v.Decoded+v.Blank != v.Tiles {
					t.Errorf("verified: %+v, progress %v", v, progress)
				}
			})
		}
	}
}

// foreign is SVS whose tiles are said to be of a codec that nobody decodes.
type foreign struct{ formats.Format }

func (f foreign) Open(ctx context.Context, b source.Bundle) (formats.Image, error) {
	image, err := f.Format.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	return foreignImage{Image: image, TileLocator: image.(formats.TileLocator)}, nil
}

type foreignImage struct {
	formats.Image
	formats.TileLocator
}

func (f foreignImage) Encodings() []formats.Encoding {
	encs := f.TileLocator.Encodings()
	for i := range encs {
		encs[i].Codec = formats.CodecJPEGXR
	}
	return encs
}

func TestSlideOfAForeignCodecIsKeptAndSaysWhatItNeeds(t *testing.T) {
	w := newWorld(t, nil)
	svs, ok := formats.NewRegistry(w.formats, formats.ResolutionOrder{}).ByID("SVS")
	if !ok {
		t.Fatal("there is no SVS")
	}
	w.formats = []formats.Format{foreign{svs}}
	if codec.CanDecode(formats.Encoding{Codec: formats.CodecJPEGXR}) {
		t.Skip("this build decodes JPEG XR")
	}
	r, err := w.importer().Import(background, w.upload(testfiles.Own(t, "svs/rgb-240.svs")))
	must(t, err)
	if r.State != importer.StateDone || r.Viewable || len(r.Warnings) != 1 || r.Warnings[0].Code != "codec-needs-fallback" || r.Why != r.Warnings[0].Detail {
		t.Errorf("report: %+v", r)
	}
	if _, err := w.catalog.Open(background, r.ID); err != nil {
		t.Errorf("the slide's metadata cannot be had: %v", err)
	}
}

// regionsOnly is an image without tiles that can be addressed.
type regionsOnly struct{ formats.Format }

func (f regionsOnly) Open(ctx context.Context, b source.Bundle) (formats.Image, error) {
	image, err := f.Format.Open(ctx, b)
	return struct{ formats.Image }{image}, err
}

func TestImageWithoutTilesIsToldToNeedConversion(t *testing.T) {
	w := newWorld(t, nil)
	svs, _ := formats.NewRegistry(w.formats, formats.ResolutionOrder{}).ByID("SVS")
	w.formats = []formats.Format{regionsOnly{svs}}
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	r, err := w.importer().Import(background, job)
	w.wantFailed(r, err, job)
	if r.Error.Code != "conversion-needed" {
		t.Errorf("told as %+v", r.Error)
	}
}

func TestSecondJobOfOneUploadKeepsTheNameOfTheFirst(t *testing.T) {
	w := newWorld(t, nil)
	im := w.importer()
	watched := w.upload(testfiles.Own(t, "svs/rgb-240.svs")) // as the folder's watcher sends it
	sent := watched
	sent.Name = "Biopsy 12 (left).svs"
	_, err := im.Enqueue(background, nopQueue{}, sent)
	must(t, err)
	r, err := im.Import(background, watched)
	must(t, err)
	s, err := w.catalog.Open(background, r.ID)
	must(t, err)
	if r.Name != sent.Name || s.Path() != r.Path || s.Manifest().OriginalName != sent.Name || s.Manifest().Name != "Biopsy-12--left-.svs" {
		t.Errorf("report %+v, manifest name %q of %q", r, s.Manifest().Name, s.Manifest().OriginalName)
	}
}
