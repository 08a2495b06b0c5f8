package dicom

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// located is an image whose frames are tiles.
type located struct{ *image }

// Sources is the name of the one file.
func (l located) Sources() []string { return []string{l.source} }

// Encodings is how every frame is encoded.
func (l located) Encodings() []formats.Encoding { return []formats.Encoding{l.encoding} }

// Locate is formats.TileLocator's; a frame is one tile of one plane.
func (l located) Locate(_ context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, error) {
	if level != 0 || plane.C != 0 || plane.T != 0 || plane.Z < 0 || plane.Z >= len(l.frames) || first != 0 || count != 1 {
		return nil, fault.New(fault.Invalid, "no-such-tile", "the file has %d frames of one tile; level %d, plane %+v, tiles %d to %d do not exist", len(l.frames), level, plane, first, first+count-1)
	}
	at := l.frames[plane.Z][0]
	return []formats.Extent{{Offset: at.Offset, Length: at.Length}}, nil
}
