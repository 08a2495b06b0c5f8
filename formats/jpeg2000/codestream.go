package jpeg2000

import (
	"context"
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// The markers of ISO/IEC 15444-1 table A.2 that are read.
const (
	markerSIZ = 0xFF51
	markerCOD = 0xFF52
	markerCOM = 0xFF64
	markerSOT = 0xFF90
)

// Bounds on a main header.
const (
	maxMarkers     = 4096
	maxComponents  = 16384
	maxTiles       = 1 << 14 // each costs the decoder memory, whatever it holds
	maxResolutions = 33
	maxSide        = 1 << 30
	maxComment     = 64 << 10
)

// mainHeader is what a codestream's main header says.
type mainHeader struct {
	left, top     int // offset of the image on its reference grid
	width, height int
	tileWidth     int // of the codestream's own tiles
	tileHeight    int
	components    []component
	decomposed    int // how often the image was halved
	comment       string
	mixed         bool // components differ in depth
}

type component struct {
	bits   int
	signed bool
	dx, dy int // pixels of the image for each sample
}

// subsampled tells whether the other components are smaller than the first.
func (s *mainHeader) subsampled() bool {
	for _, c := range s.components[1:] {
		if c.dx > s.components[0].dx || c.dy > s.components[0].dy {
			return true
		}
	}
	return false
}

// resolutions are the sizes at which the image can be decoded, from the finest,
// each smaller than the one before. They end where halving would cut one of the
// codestream's own tiles, which libvips misplaces or divides by zero for, and
// there are no coarser ones of images with smaller colour differences.
func (s *mainHeader) resolutions() [][2]int {
	out := [][2]int{{s.width, s.height}}
	if s.subsampled() {
		return out
	}
	one := s.tileWidth >= s.width && s.tileHeight >= s.height
	for n := 1; n <= s.decomposed; n++ {
		size := [2]int{(s.width-1)>>n + 1, (s.height-1)>>n + 1}
		whole := s.tileWidth%(1<<n) == 0 && s.tileHeight%(1<<n) == 0
		if size == out[len(out)-1] || !one && !whole || min(s.width, s.height)>>n == 0 {
			break
		}
		out = append(out, size)
	}
	return out
}

func corrupt(code, format string, args ...any) error {
	return fault.New(fault.Corrupt, code, format, args...)
}

// readMainHeader reads the segments before the first tile part of the
// codestream that lies between two offsets.
func readMainHeader(ctx context.Context, head *plainimage.Head, start, end int64) (*mainHeader, error) {
	mark, err := readWithin(ctx, head, start, 2, end)
	if err != nil {
		return nil, err
	}
	if mark[0] != 0xFF || mark[1] != 0x4F {
		return nil, corrupt("jpeg2000-no-start", "no JPEG 2000 codestream begins at byte %d", start)
	}
	s := &mainHeader{}
	at := start + 2
	for range maxMarkers {
		b, err := readWithin(ctx, head, at, 4, end)
		if err != nil {
			return nil, err
		}
		marker, length := int(binary.BigEndian.Uint16(b)), int64(binary.BigEndian.Uint16(b[2:]))
		if marker == markerSOT {
			return s, s.check()
		}
		if marker < 0xFF00 || length < 2 {
			return nil, corrupt("jpeg2000-marker", "at byte %d of the JPEG 2000 codestream there is no marker segment", at)
		}
		if marker == markerSIZ || marker == markerCOD || marker == markerCOM {
			body, err := readWithin(ctx, head, at+4, length-2, end)
			if err != nil {
				return nil, err
			}
			if err := s.segment(marker, body); err != nil {
				return nil, err
			}
		}
		at += 2 + length
	}
	return nil, corrupt("jpeg2000-markers", "the JPEG 2000 codestream has more than %d segments before its first tile", maxMarkers)
}

func readWithin(ctx context.Context, head *plainimage.Head, at, n, end int64) ([]byte, error) {
	if at < 0 || n < 0 || at+n > end {
		return nil, corrupt("jpeg2000-truncated", "the JPEG 2000 codestream ends at byte %d within its header", end)
	}
	if n == 0 {
		return nil, nil
	}
	return head.ReadAt(ctx, at, n)
}

func (s *mainHeader) segment(marker int, b []byte) error {
	switch marker {
	case markerSIZ:
		return s.size(b)
	case markerCOD:
		if len(b) < 6 {
			return corrupt("jpeg2000-cod", "the JPEG 2000 coding style segment is cut off")
		}
		s.decomposed = int(b[5])
	case markerCOM:
		if len(b) > 2 && binary.BigEndian.Uint16(b) == 1 && s.comment == "" && len(b) <= maxComment {
			s.comment = plainimage.Latin1(b[2:])
		}
	}
	return nil
}

// size reads SIZ (§A.5.1).
func (s *mainHeader) size(b []byte) error {
	if s.components != nil || len(b) < 36 {
		return corrupt("jpeg2000-size", "the JPEG 2000 size segment is cut off or there twice")
	}
	u32 := func(at int) int64 { return int64(binary.BigEndian.Uint32(b[at:])) }
	right, bottom, left, top := u32(2), u32(6), u32(10), u32(14)
	tileWidth, tileHeight := u32(18), u32(22)
	n := int(binary.BigEndian.Uint16(b[34:]))
	if left >= right || top >= bottom || right-left > maxSide || bottom-top > maxSide {
		return corrupt("jpeg2000-size", "the JPEG 2000 image reaches from (%d, %d) to (%d, %d), which is no picture", left, top, right, bottom)
	}
	if n < 1 || n > maxComponents || len(b) < 36+3*n {
		return corrupt("jpeg2000-size", "the JPEG 2000 size segment says %d components and has %d bytes", n, len(b))
	}
	if tileWidth == 0 || tileHeight == 0 {
		return corrupt("jpeg2000-tiles", "the JPEG 2000 image is split into tiles of %d × %d pixels", tileWidth, tileHeight)
	}
	if tiles := ((right-left)/tileWidth + 2) * ((bottom-top)/tileHeight + 2); tiles > maxTiles {
		return fault.New(fault.TooLarge, "jpeg2000-tiles",
			"the JPEG 2000 image is split into about %d tiles of %d × %d pixels; up to %d can be decoded", tiles, tileWidth, tileHeight, maxTiles)
	}
	s.left, s.top, s.width, s.height = int(left), int(top), int(right-left), int(bottom-top)
	s.tileWidth, s.tileHeight = int(tileWidth), int(tileHeight)
	for i := range n {
		c := b[36+3*i:]
		s.components = append(s.components, component{bits: int(c[0]&0x7F) + 1, signed: c[0]&0x80 != 0, dx: int(c[1]), dy: int(c[2])})
		if c[1] == 0 || c[2] == 0 {
			return corrupt("jpeg2000-sampling", "the JPEG 2000 component %d is subsampled %d × %d", i, c[1], c[2])
		}
		s.mixed = s.mixed || c[0] != b[36]
	}
	return nil
}

// check refuses what cannot be decoded as one picture.
func (s *mainHeader) check() error {
	if s.components == nil {
		return corrupt("jpeg2000-size", "the JPEG 2000 codestream has no size segment")
	}
	if s.decomposed >= maxResolutions {
		return corrupt("jpeg2000-cod", "the JPEG 2000 image was halved %d times; up to 32 are possible", s.decomposed)
	}
	if s.mixed {
		return fault.New(fault.Unsupported, "jpeg2000-mixed-depth", "the components of the JPEG 2000 image differ in depth")
	}
	if s.left != 0 || s.top != 0 {
		return fault.New(fault.Unsupported, "jpeg2000-offset",
			"the JPEG 2000 image begins at (%d, %d) of its grid, which libvips misplaces; write it anew without an offset", s.left, s.top)
	}
	if first := s.components[0]; first.dx != 1 || first.dy != 1 {
		return fault.New(fault.Unsupported, "jpeg2000-sampling", "the first component of the JPEG 2000 image is subsampled %d × %d", first.dx, first.dy)
	}
	for i, c := range s.components[1:] {
		if c != s.components[1] || c.dx > 2 || c.dy > c.dx || len(s.components) != 3 && c.dx > 1 {
			return fault.New(fault.Unsupported, "jpeg2000-sampling",
				"component %d of the JPEG 2000 image is subsampled %d × %d; only colour differences may be, by 2 × 1 or 2 × 2", i+1, c.dx, c.dy)
		}
	}
	return nil
}
