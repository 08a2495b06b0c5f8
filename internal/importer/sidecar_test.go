package importer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/source"
)

// vast is a format whose files are one level of a million blank tiles, the
// last of which lies where broken says.
type vast struct {
	formats.Format
	last formats.Extent
}

func (vast) Info() formats.Info { return formats.Info{ID: "VAST", Importable: true} }
func (vast) Probe(context.Context, *formats.Candidate) (formats.Match, error) {
	return formats.Match{OK: true, Why: "it takes all"}, nil
}
func (v vast) Open(context.Context, source.Bundle) (formats.Image, error) { return v, nil }
func (vast) Describe(context.Context) (*formats.Description, error) {
	side := 1000 * 256
	return &formats.Description{
		Format: "VAST", Width: side, Height: side, Depth: 1, Duration: 1, ConcreteChannels: 1, Samples: 1, SignificantBits: 8,
		Channels: []formats.Channel{{}}, Levels: []formats.Level{{Width: side, Height: side, TileWidth: 256, TileHeight: 256}},
	}, nil
}
func (vast) Sources() []string { return []string{"vast"} }
func (vast) Encodings() []formats.Encoding {
	return []formats.Encoding{{Codec: formats.CodecNone, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}}
}
func (v vast) Locate(_ context.Context, _ int, _ formats.Plane, first, count int) ([]formats.Extent, error) {
	out := make([]formats.Extent, count)
	for i := range out {
		out[i].Blank = true
	}
	// Not one of the tiles that a check looks at.
	if last := 999_998 - first; last >= 0 && last < count {
		out[last] = v.last
	}
	return out, nil
}

func TestLargeIndexIsStreamed(t *testing.T) {
	w := newWorld(t, dirDriver)
	w.formats = []formats.Format{vast{last: formats.Extent{Blank: true}}}
	w.config.Convert = importer.ConvertNever
	r, err := w.importer().Import(background, w.uploadBytes("vast", []byte("0123456789")))
	must(t, err)
	if r.State != importer.StateDone || r.Tiles != 1_000_000 || r.SidecarBytes < 12_000_000 {
		t.Fatalf("report: %+v", r)
	}
	v, err := w.importer().Verify(background, r.ID, false, nil)
	if err != nil || !v.OK() || v.Blank != 1_000_000 {
		t.Errorf("verified %+v, %v", v, err)
	}
}

func TestBrokenExtentDeepInALargeIndexFailsTheImport(t *testing.T) {
	w := newWorld(t, dirDriver)
	w.formats = []formats.Format{vast{last: formats.Extent{Offset: 5, Length: 6}}}
	job := w.uploadBytes("vast", []byte("0123456789"))
	r, err := w.importer().Import(background, job)
	w.wantFailed(r, err, job)
	if r.Error.Code != "tile-beyond-end" || fault.KindOf(err) != fault.Corrupt || errors.Is(err, context.Canceled) {
		t.Errorf("told as %+v", r.Error)
	}
}
