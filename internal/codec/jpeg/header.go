package jpeg

import (
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
)

// The marker codes of ITU-T T.81 table B.1 that matter here.
const (
	markerSOF0  = 0xC0
	markerSOF2  = 0xC2
	markerDHT   = 0xC4
	markerJPG   = 0xC8
	markerSOF10 = 0xCA
	markerDAC   = 0xCC
	markerSOF15 = 0xCF
	markerRST0  = 0xD0
	markerRST7  = 0xD7
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDQT   = 0xDB
	markerDRI   = 0xDD
	markerAPP0  = 0xE0
	markerAPP14 = 0xEE
	markerAPP15 = 0xEF
	markerCOM   = 0xFE
	markerTEM   = 0x01
)

// Component is one component of a frame (T.81 §B.2.2).
type Component struct {
	ID   byte
	H, V int // sampling factors, 1 to 4
}

// Header is what the markers of a stream say before its first scan.
type Header struct {
	Width, Height   int // pixels
	Precision       int // bits per sample
	Process         int // n of the frame's SOFn: 0 baseline, 1 extended, 2 progressive, 9 and 10 arithmetic
	Components      []Component
	RestartInterval int  // MCUs between restart markers, 0 when none
	JFIF            bool // has an APP0 JFIF segment
	Adobe           bool // has an APP14 Adobe segment
	AdobeTransform  int  // 0 none, 1 YCbCr, 2 YCCK; meaningful with Adobe
	Quantization    bool // has a DQT segment
	Huffman         bool // has a DHT segment
	ScanOffset      int  // of the first SOS marker, bytes from the start
	imageOffset     int  // of the SOI marker: 0 unless fill bytes or more SOIs precede it
}

// ParseHeader reads the markers up to the first scan. It looks at no entropy
// coded byte and allocates the component list only.
func ParseHeader(data []byte) (*Header, error) {
	h := &Header{}
	w := walker{data: data}
	if err := w.start(); err != nil {
		return nil, err
	}
	h.imageOffset = w.soi
	for {
		s, err := w.next()
		if err != nil {
			return nil, err
		}
		switch s.marker {
		case markerSOS:
			if h.Components == nil {
				return nil, corrupt("jpeg-scan-before-frame", "The JPEG's first scan comes before its frame header.")
			}
			h.ScanOffset = s.start
			return h, nil
		case markerEOI:
			return nil, corrupt("jpeg-no-scan", "The JPEG ends at byte %d without a scan.", s.start)
		case markerDQT:
			h.Quantization = true
		case markerDHT:
			h.Huffman = true
		case markerDRI:
			if len(s.payload) != 2 {
				return nil, corrupt("jpeg-segment-length", "The JPEG's restart interval segment has %d bytes instead of 2.", len(s.payload))
			}
			h.RestartInterval = int(binary.BigEndian.Uint16(s.payload))
		default:
			if err := h.other(s); err != nil {
				return nil, err
			}
		}
	}
}

func (h *Header) other(s segment) error {
	switch {
	case isFrame(s.marker):
		return h.frame(s)
	case isJFIF(s):
		h.JFIF = true
	case isAdobe(s):
		h.Adobe = true
		h.AdobeTransform = int(s.payload[11])
	}
	return nil
}

// frame reads a SOFn segment (T.81 §B.2.2).
func (h *Header) frame(s segment) error {
	if h.Components != nil {
		return corrupt("jpeg-two-frames", "The JPEG has a second frame header at byte %d.", s.start)
	}
	p := s.payload
	if len(p) < 6 || len(p) != 6+3*int(p[5]) {
		return corrupt("jpeg-frame-length", "The JPEG's frame header has %d bytes, which does not fit its component count.", len(p))
	}
	h.Process = int(s.marker - markerSOF0)
	h.Precision = int(p[0])
	h.Height = int(binary.BigEndian.Uint16(p[1:]))
	h.Width = int(binary.BigEndian.Uint16(p[3:]))
	if h.Width == 0 || h.Height == 0 {
		return corrupt("jpeg-empty", "The JPEG's frame header says %d × %d pixels.", h.Width, h.Height)
	}
	n := int(p[5])
	if n != 1 && n != 3 && n != 4 {
		return fault.New(fault.Unsupported, "jpeg-components", "The JPEG has %d components; 1, 3 and 4 are understood.", n)
	}
	h.Components = make([]Component, n)
	for i := range h.Components {
		c := p[6+3*i:]
		h.Components[i] = Component{ID: c[0], H: int(c[1] >> 4), V: int(c[1] & 15)}
		if k := h.Components[i]; k.H < 1 || k.H > 4 || k.V < 1 || k.V > 4 {
			return corrupt("jpeg-sampling", "The JPEG's component %d has sampling factors %d × %d; 1 to 4 are allowed.", i, k.H, k.V)
		}
	}
	return nil
}

// decodable tells whether this package's decoders know the process: baseline,
// extended and progressive DCT of 8 bits, Huffman or arithmetic coded.
func (h *Header) decodable() error {
	switch h.Process {
	case 0, 1, 2, 9, 10:
	default:
		return fault.New(fault.Unsupported, "jpeg-process",
			"The JPEG uses process SOF%d (lossless or hierarchical); baseline and progressive are understood.", h.Process)
	}
	if h.Precision != 8 {
		return fault.New(fault.Unsupported, "jpeg-precision", "The JPEG has %d bits a sample; 8 are understood.", h.Precision)
	}
	return nil
}

// arithmetic tells whether the entropy coding is arithmetic (SOF9 and up).
func (h *Header) arithmetic() bool { return h.Process >= 9 }

// leastBytes is a lower bound for the bytes of a whole Huffman coded scan: the
// DC coefficient of each 8×8 block costs at least one bit. A picture that
// claims more pixels than its bytes can hold is refused by it before anything
// is allocated. Arithmetic coding has no such bound.
func (h *Header) leastBytes() int64 {
	if h.arithmetic() {
		return 0
	}
	hMax, vMax := 1, 1
	for _, c := range h.Components {
		hMax, vMax = max(hMax, c.H), max(vMax, c.V)
	}
	var blocks int64
	for _, c := range h.Components {
		across := (h.Width*c.H + 8*hMax - 1) / (8 * hMax)
		down := (h.Height*c.V + 8*vMax - 1) / (8 * vMax)
		blocks += int64(across) * int64(down)
	}
	return blocks / 8
}

func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF15 &&
		marker != markerDHT && marker != markerJPG && marker != markerDAC
}

func isJFIF(s segment) bool {
	return s.marker == markerAPP0 && len(s.payload) >= 14 && string(s.payload[:5]) == "JFIF\x00"
}

func isAdobe(s segment) bool {
	return s.marker == markerAPP14 && len(s.payload) >= 12 && string(s.payload[:5]) == "Adobe"
}

func corrupt(code, format string, args ...any) error {
	return fault.New(fault.Corrupt, code, format, args...)
}
