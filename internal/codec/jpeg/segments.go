package jpeg

import (
	"iter"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// Segment is one marker of a stream's header with what belongs to it.
type Segment struct {
	Marker  byte
	Payload []byte // without the length; a window on the stream
}

// Segments steps through the markers before the first scan, in file order. It
// ends at the first one that is broken or cut off.
func Segments(data []byte) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		w := walker{data: data}
		if w.start() != nil {
			return
		}
		for {
			s, err := w.next()
			if err != nil || s.marker == markerSOS || s.marker == markerEOI || !yield(Segment{s.marker, s.payload}) {
				return
			}
		}
	}
}

// Photometric is what the stream's own markers say that its components are, as
// browsers and libjpeg conclude it.
func (h *Header) Photometric() formats.Photometric {
	switch len(h.Components) {
	case 1:
		return formats.PhotometricMinIsBlack
	case 3:
		if colourByIDs(h) == colourRGB {
			return formats.PhotometricRGB
		}
		return formats.PhotometricYCbCr
	default:
		return formats.PhotometricCMYK
	}
}

// Decodable tells whether this build decodes the stream's process: kind
// Unsupported with the reason when it does not.
func (h *Header) Decodable() error {
	if err := h.decodable(); err != nil {
		return err
	}
	if h.arithmetic() && !ArithmeticOK {
		return fault.New(fault.Unsupported, "jpeg-arithmetic",
			"The JPEG is arithmetic coded; this build cannot read it, one with libjpeg-turbo can.")
	}
	return nil
}
