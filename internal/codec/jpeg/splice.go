package jpeg

import (
	"slices"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// PassthroughOK tells whether tiles of an encoding can be answered as they
// are, after Splice: 8 bits, one or three components, colours that every
// browser understands.
func PassthroughOK(enc formats.Encoding) bool {
	if enc.Codec != formats.CodecJPEG || enc.BitsPerSample != 8 || enc.PixelType != pixel.Uint8 || enc.Alpha {
		return false
	}
	switch enc.Samples {
	case 1:
		return enc.Photometric == formats.PhotometricMinIsBlack
	case 3:
		return enc.Photometric == formats.PhotometricRGB || enc.Photometric == formats.PhotometricYCbCr
	default:
		return false
	}
}

// Splice appends to dst a complete, standalone JPEG made of an abbreviated
// table stream (TIFF's JPEGTables, may be empty) and a scan stream (a tile's
// bytes, complete or abbreviated). No pixel is touched, and dst is grown at
// most once; on error dst comes back as it was.
//
// What the result has that the parts may lack: one SOI and one EOI, nothing
// after the EOI; the tables; and the marker that makes every decoder see the
// colours that p says. Aperio writes RGB scans without an Adobe marker, and
// without one every decoder assumes YCbCr: the slide turns green.
//
// Kind Corrupt when the parts are no JPEG, Unsupported for processes that
// browsers do not show (arithmetic, lossless, 12 bit): decode those.
func Splice(dst []byte, tables, scan []byte, p formats.Photometric) ([]byte, error) {
	return splice(dst, tables, scan, p, 0, 0)
}

// SpliceTile is Splice for a tile of an encoding, whose frame header must say
// widthPx × heightPx.
func SpliceTile(dst []byte, enc formats.Encoding, scan []byte, widthPx, heightPx int) ([]byte, error) {
	if !PassthroughOK(enc) {
		return dst, fault.New(fault.Unsupported, "jpeg-no-passthrough",
			"Tiles of codec %s, %s, %d samples of %d bits cannot be answered as they are stored.",
			enc.Codec, enc.Photometric, enc.Samples, enc.BitsPerSample)
	}
	return splice(dst, enc.JPEGTables, scan, enc.Photometric, widthPx, heightPx)
}

func splice(dst, tables, scan []byte, p formats.Photometric, width, height int) ([]byte, error) {
	h, err := ParseHeader(scan)
	if err != nil {
		return dst, err
	}
	if err := h.showable(); err != nil {
		return dst, err
	}
	if err := h.expect(width, height); err != nil {
		return dst, err
	}
	c := cutter{header: h, photometric: p, marker: needsMarker(h, p)}
	if len(tables) > 0 {
		if err := c.readTables(tables); err != nil {
			return dst, err
		}
	}
	if !h.Quantization && !c.quantization {
		return dst, corrupt("jpeg-no-tables", "The JPEG has no quantisation tables, neither of its own nor in front of it.")
	}
	c.standardHuffman = !h.Huffman && !c.huffman
	end := endOfImage(scan, h.ScanOffset)
	body := scan[:max(end, 0)]
	if end < 0 {
		body = scan
		// A lone 0xFF at the cut would turn the EOI into a fill byte.
		for len(body) > h.ScanOffset && body[len(body)-1] == 0xFF {
			body = body[:len(body)-1]
		}
	}
	out := slices.Grow(dst, 2+len(jfifSegment)+len(tables)+len(standardTables)+len(body)+2)
	return c.write(out, tables, body, end < 0)
}

// showable refuses what browsers do not show.
func (h *Header) showable() error {
	if err := h.decodable(); err != nil {
		return err
	}
	if h.arithmetic() {
		return fault.New(fault.Unsupported, "jpeg-arithmetic", "The JPEG is arithmetic coded, which browsers do not show.")
	}
	if len(h.Components) == 4 {
		return fault.New(fault.Unsupported, "jpeg-components", "The JPEG has 4 components; 1 and 3 can be answered as they are.")
	}
	return nil
}

// need is what colour marker the result must carry.
type need uint8

const (
	keepMarkers need = iota // the stream's own markers already say it
	adobeRGB
	jfifYCbCr
)

func needsMarker(h *Header, p formats.Photometric) need {
	if len(h.Components) != 3 {
		return keepMarkers
	}
	switch p {
	case formats.PhotometricRGB:
		if h.Adobe && h.AdobeTransform == 0 && !h.JFIF {
			return keepMarkers
		}
		return adobeRGB
	case formats.PhotometricYCbCr:
		c := h.Components
		ordinary := c[0].ID == 1 && c[1].ID == 2 && c[2].ID == 3 && (!h.Adobe || h.AdobeTransform == 1)
		if h.JFIF || ordinary {
			return keepMarkers
		}
		return jfifYCbCr
	default:
		return keepMarkers
	}
}

// cutter writes the spliced stream.
type cutter struct {
	header          *Header
	photometric     formats.Photometric
	marker          need
	quantization    bool // in the tables
	huffman         bool // in the tables
	standardHuffman bool // no stream has Huffman tables (motion JPEG): write T.81's own
}

// readTables checks that the table stream is one, and notes what it has.
func (c *cutter) readTables(tables []byte) error {
	w := walker{data: tables}
	if err := w.start(); err != nil {
		return err
	}
	for w.at < len(tables) {
		s, err := w.next()
		if err != nil {
			// Some writers leave out the EOI of the table stream, or pad it.
			if w.at >= len(tables)-1 || onlyPadding(tables[w.at:]) {
				return nil
			}
			return err
		}
		switch {
		case s.marker == markerEOI:
			return nil
		case s.marker == markerDQT:
			c.quantization = true
		case s.marker == markerDHT:
			c.huffman = true
		case s.marker == markerSOS || isFrame(s.marker):
			return corrupt("jpeg-tables-with-image", "The JPEG tables contain an image (marker %#02x at byte %d).", s.marker, s.start)
		}
	}
	return nil
}

func onlyPadding(b []byte) bool {
	for _, v := range b {
		if v != 0 && v != 0xFF {
			return false
		}
	}
	return true
}

// write emits SOI, the colour marker, the tables, the scan stream's segments,
// its scans, and an EOI if it has none. Everything was checked before: the
// walkers cannot fail here, but their errors are still passed on.
func (c *cutter) write(out, tables, body []byte, needsEnd bool) ([]byte, error) {
	start := len(out)
	out = append(out, 0xFF, markerSOI)
	switch c.marker {
	case adobeRGB:
		segment := adobeSegment(0)
		out = append(out, segment[:]...)
	case jfifYCbCr:
		out = append(out, jfifSegment...)
	}
	if len(tables) > 0 {
		out = appendTables(out, tables)
	}
	if c.standardHuffman {
		out = append(out, standardTables...)
	}
	w := walker{data: body}
	if err := w.start(); err != nil {
		return out[:start], err
	}
	for {
		s, err := w.next()
		if err != nil {
			return out[:start], err
		}
		if s.marker == markerSOS {
			out = append(out, body[s.start:]...)
			break
		}
		if c.keep(s) {
			out = append(out, body[s.start:s.end]...)
		}
	}
	if needsEnd {
		out = append(out, 0xFF, markerEOI)
	}
	return out, nil
}

// keep tells whether a header segment of the scan stream stays. A JFIF marker
// means YCbCr to every decoder, whatever an Adobe marker beside it says.
//
// What is neither goes: EXIF's orientation makes browsers turn the tile, which
// the rest of the slide is not, a profile changes its colours, and where and by
// whom a picture was taken is not for every viewer's cache.
func (c *cutter) keep(s segment) bool {
	switch {
	case s.marker == markerSOI:
		return false
	case s.marker == markerAPP0:
		return c.marker == keepMarkers && isJFIF(s)
	case s.marker == markerAPP14:
		return c.marker == keepMarkers && isAdobe(s)
	default:
		return (s.marker < markerAPP0 || s.marker > markerAPP15) && s.marker != markerCOM
	}
}

// appendTables copies the tables themselves and nothing else of their stream.
func appendTables(out, tables []byte) []byte {
	w := walker{data: tables}
	if w.start() != nil {
		return out
	}
	for {
		s, err := w.next()
		if err != nil || s.marker == markerEOI {
			return out
		}
		switch s.marker {
		case markerDQT, markerDHT, markerDAC:
			out = append(out, tables[s.start:s.end]...)
		}
	}
}

// adobeSegment is an APP14 segment: "Adobe", version 100, flags 0, transform
// (Adobe technical note 5116 §18).
func adobeSegment(transform byte) [16]byte {
	return [16]byte{0xFF, markerAPP14, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform}
}

// jfifSegment is an APP0 segment: JFIF 1.01, square pixels, no thumbnail. It
// says YCbCr to every decoder; an Adobe marker with transform 1 would not do
// for component ids R, G, B, which image/jpeg believes more.
const jfifSegment = "\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
