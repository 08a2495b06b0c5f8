package cog

import (
	"bytes"
	"context"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// sniffBytes of a tile hold the headers that lossyCodec looks at.
const sniffBytes = 4096

// sniff finds out whether a level of the source lost something when it was
// encoded. Only codecs that can be either are looked into.
func (x *Prepared) sniff(ctx context.Context, c *chain, level int, l formats.Level, enc formats.Encoding) error {
	if enc.Codec != formats.CodecJPEG2000 && enc.Codec != formats.CodecWebP {
		c.lossy = lossyCodec(enc, nil)
		return nil
	}
	for tile := range min(l.Tiles(), 16) {
		e, err := x.extent(ctx, c.plane, level, tile)
		if err != nil {
			return err
		}
		if e.Blank {
			continue
		}
		e.Length = min(e.Length, sniffBytes)
		head, err := x.plan.source.Read(ctx, []formats.Extent{e})
		if err != nil {
			return err
		}
		c.lossy = lossyCodec(enc, head[0])
		return nil
	}
	c.lossy = true
	return nil
}

// sniffSource is sniff for level 0 of whatever the source is. Pixels that a
// format decodes itself count as without loss.
func (x *Prepared) sniffSource(ctx context.Context, c *chain) error {
	s := x.plan.source
	if s.Locate == nil {
		return nil
	}
	l := s.Description.Levels[0]
	return x.sniff(ctx, c, 0, l, s.Encodings[l.Encoding])
}

// lossyCodec tells whether pixels were changed when they were encoded, from
// the first bytes of a tile where the codec has two ways.
func lossyCodec(enc formats.Encoding, head []byte) bool {
	switch enc.Codec {
	case formats.CodecJPEG, formats.CodecJPEGXL, formats.CodecJPEGXR:
		return true
	case formats.CodecJPEG2000:
		// The COD segment's last byte of fixed place: 1 is the reversible 5/3
		// transform, 0 the irreversible 9/7 (ISO 15444-1 table A.20).
		const transform = 2 + 2 + 1 + 4 + 4
		i := bytes.Index(head, []byte{0xFF, 0x52})
		return i < 0 || i+transform >= len(head) || head[i+transform] == 0
	case formats.CodecWebP:
		return !bytes.Contains(head[:min(len(head), 64)], []byte("VP8L"))
	}
	return false
}

// tileFault says which tile could not be decoded.
func tileFault(err error, level, tile int, enc formats.Encoding, length int) error {
	where := fmt.Sprintf("tile %d of level %d (%s, %d bytes) cannot be decoded", tile, level, enc.Codec, length)
	kind, code := fault.KindOf(err), fault.CodeOf(err)
	if kind == fault.Internal {
		kind, code = fault.Corrupt, "tile-undecodable"
	}
	return fault.New(kind, code, "%s: %s", where, fault.Sentence(err)).Because(err)
}

func sameEncoding(a, b formats.Encoding) bool {
	tables, palette := bytes.Equal(a.JPEGTables, b.JPEGTables), bytes.Equal(a.Palette, b.Palette)
	a.JPEGTables, a.Palette, b.JPEGTables, b.Palette = nil, nil, nil, nil
	return tables && palette && equalFields(a, b)
}

// equalFields compares what is left once the slices are gone.
func equalFields(a, b formats.Encoding) bool {
	return a.Codec == b.Codec && a.Photometric == b.Photometric && a.Samples == b.Samples && a.Alpha == b.Alpha &&
		a.PixelType == b.PixelType && a.BitsPerSample == b.BitsPerSample && a.BigEndian == b.BigEndian &&
		max(a.Predictor, 1) == max(b.Predictor, 1) && a.SubsamplingX == b.SubsamplingX && a.SubsamplingY == b.SubsamplingY
}
