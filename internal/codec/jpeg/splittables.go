package jpeg

// SplitTables takes a complete JPEG apart: a table-only stream as TIFF's
// JPEGTables holds it (SOI, DQT, DHT, EOI) and the image without tables and
// without application markers (TIFF Technical Note 2). It is the reverse of
// Splice for a stream whose colours follow from its component ids, as those of
// Encode do. Kind Corrupt when data is no JPEG.
func SplitTables(data []byte) (tables, scan []byte, err error) {
	w := walker{data: data}
	if err := w.start(); err != nil {
		return nil, nil, err
	}
	tables = []byte{0xFF, markerSOI}
	scan = append(make([]byte, 0, len(data)-w.soi), 0xFF, markerSOI)
	for {
		s, err := w.next()
		if err != nil {
			return nil, nil, err
		}
		switch {
		case s.marker == markerEOI:
			return nil, nil, corrupt("jpeg-no-scan", "The JPEG ends at byte %d without a scan.", s.start)
		case s.marker == markerSOS:
			return append(tables, 0xFF, markerEOI), append(scan, data[s.start:]...), nil
		case s.marker == markerDQT || s.marker == markerDHT:
			tables = append(tables, data[s.start:s.end]...)
		case s.marker >= markerAPP0 && s.marker <= markerAPP0+15 || s.marker == markerSOI:
		default:
			scan = append(scan, data[s.start:s.end]...)
		}
	}
}
