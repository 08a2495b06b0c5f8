package jpeg

import "bytes"

// segment is one marker with what belongs to it.
type segment struct {
	marker  byte
	start   int    // of the 0xFF before the marker
	end     int    // one past the payload
	payload []byte // without the length; nil for markers that stand alone
}

// walker steps from marker to marker. Every step moves forward, so that any
// input ends after at most len(data) steps.
type walker struct {
	data []byte
	at   int
	soi  int // set by start: where the image starts
}

// start expects the start of image marker. Fill bytes before it and repetitions
// after it are skipped; anything else is not a JPEG. w.soi is the last one.
func (w *walker) start() error {
	for w.at+2 < len(w.data) && w.data[w.at] == 0xFF && w.data[w.at+1] == 0xFF {
		w.at++
	}
	if w.at+2 > len(w.data) || w.data[w.at] != 0xFF || w.data[w.at+1] != markerSOI {
		return corrupt("jpeg-no-start", "The data does not start with a JPEG start of image marker.")
	}
	for w.at+4 <= len(w.data) && w.data[w.at+2] == 0xFF && w.data[w.at+3] == markerSOI {
		w.at += 2
	}
	w.soi = w.at
	w.at += 2
	return nil
}

// next gives the next segment outside entropy coded data. Bytes between
// segments that are no marker are skipped, as all decoders do.
func (w *walker) next() (segment, error) {
	for {
		skip := bytes.IndexByte(w.data[w.at:], 0xFF)
		if skip < 0 || w.at+skip+1 >= len(w.data) {
			return segment{}, corrupt("jpeg-truncated", "The JPEG's markers end at byte %d in the middle of the header.", len(w.data))
		}
		w.at += skip
		marker := w.data[w.at+1]
		if marker == 0xFF { // fill byte
			w.at++
			continue
		}
		if marker == 0 { // a stuffed zero: not a marker
			w.at += 2
			continue
		}
		return w.segment(marker)
	}
}

func (w *walker) segment(marker byte) (segment, error) {
	s := segment{marker: marker, start: w.at, end: w.at + 2}
	alone := marker == markerSOI || marker == markerEOI || marker == markerTEM ||
		marker >= markerRST0 && marker <= markerRST7
	if !alone {
		if w.at+4 > len(w.data) {
			return segment{}, corrupt("jpeg-truncated", "The JPEG ends at byte %d in the middle of marker %#02x.", len(w.data), marker)
		}
		length := int(w.data[w.at+2])<<8 | int(w.data[w.at+3])
		s.end = w.at + 2 + length
		if length < 2 || s.end > len(w.data) {
			return segment{}, corrupt("jpeg-segment-length",
				"The JPEG's segment %#02x at byte %d claims %d bytes; %d are left.", marker, w.at, length, len(w.data)-w.at-2)
		}
		s.payload = w.data[w.at+4 : s.end]
	}
	w.at = s.end
	return s, nil
}

// endOfImage finds the end of image marker at or after from, skipping entropy
// coded data and the segments between scans: the position just past it, or -1.
func endOfImage(data []byte, from int) int {
	// Nearly every stream ends exactly with it.
	if n := len(data); n >= from+2 && data[n-2] == 0xFF && data[n-1] == markerEOI {
		return n
	}
	at := from
	for at+1 < len(data) {
		skip := bytes.IndexByte(data[at:], 0xFF)
		if skip < 0 || at+skip+1 >= len(data) {
			return -1
		}
		at += skip
		switch marker := data[at+1]; {
		case marker == markerEOI:
			return at + 2
		case marker == 0xFF:
			at++
		case marker == 0 || marker >= markerRST0 && marker <= markerRST7 || marker == markerTEM || marker == markerSOI:
			at += 2
		default:
			if at+4 > len(data) {
				return -1
			}
			length := int(data[at+2])<<8 | int(data[at+3])
			at += 2 + max(length, 2)
		}
	}
	return -1
}
