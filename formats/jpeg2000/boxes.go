package jpeg2000

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/exif"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// Bounds on boxes.
const (
	maxBoxes     = 256
	maxHeaderBox = 8 << 20
	maxUUID      = 4 << 20
)

// The enumerated colour spaces (ISO/IEC 15444-1 table I.10, 15444-2).
const (
	colourCMYK = 12
	colourSRGB = 16
	colourGrey = 17
	colourSYCC = 18
)

// file is what the boxes of a JP2 file say (ISO/IEC 15444-1 annex I).
type file struct {
	start, end  int64 // of the codestream
	colourSpace uint32
	coloured    bool // the first colour specification was read; others do not count
	palette     bool
	resolved    bool
	x, y        float64 // pixels a metre
	list        []formats.Metadatum
	comment     string
	exif        exif.Block
	profile     []byte
}

func (f *file) add(key string, value any) {
	f.list = append(f.list, formats.Metadatum{Namespace: "JPEG2000", Key: key, Value: value})
}

// describeBare is what exiftool tells of a codestream without boxes.
func (f *file) describeBare(s *mainHeader) {
	add := func(key string, value any) {
		f.list = append(f.list, formats.Metadatum{Namespace: "FILE", Key: key, Value: value})
	}
	add("ImageWidth", int64(s.width))
	add("ImageHeight", int64(s.height))
	if s.comment != "" {
		f.comment = s.comment
		add("Comment", plainimage.Scalar(s.comment))
	}
}

// describe fills in what pims-api §5.4 takes from the metadata.
func (f *file) describe(d *formats.Description) {
	d.Text = plainimage.FirstText(append([]string{f.comment}, f.exif.Descriptions()...)...)
	d.AcquiredAt = f.exif.AcquiredAt()
	d.PhysicalSizeX, d.PhysicalSizeY = f.exif.PixelSize()
	if d.PhysicalSizeX == nil && d.PhysicalSizeY == nil && f.resolved {
		d.PhysicalSizeX = plainimage.PixelSize(f.x, plainimage.Metre)
		d.PhysicalSizeY = plainimage.PixelSize(f.y, plainimage.Metre)
	}
}

// readBoxes reads the boxes of the file up to and behind the codestream.
func (f *file) readBoxes(ctx context.Context, head *plainimage.Head) error {
	at, size, found := int64(0), head.Size(), false
	for n := 0; n < maxBoxes && at+8 <= size; n++ {
		kind, body, end, err := boxAt(ctx, head, at, size)
		if err != nil {
			if found { // what is broken behind the picture does not matter
				return nil
			}
			return err
		}
		switch {
		case kind == "jp2c" && !found:
			f.start, f.end, found = body, end, true
		case kind == "ftyp" && end-body <= 4096:
			b, err := readPart(ctx, head, body, end)
			if err != nil {
				return err
			}
			f.fileType(b)
		case kind == "jp2h" && end-body <= maxHeaderBox:
			b, err := readPart(ctx, head, body, end)
			if err != nil {
				return err
			}
			f.headerBoxes(b)
		case kind == "uuid" && end-body > 16 && end-body <= maxUUID:
			b, err := readPart(ctx, head, body, end)
			if err != nil {
				return err
			}
			f.uuid(ctx, b)
		}
		at = end
	}
	if !found {
		return corrupt("jp2-no-codestream", "the JP2 file has no codestream box")
	}
	return nil
}

func readPart(ctx context.Context, head *plainimage.Head, from, to int64) ([]byte, error) {
	if to <= from {
		return nil, nil
	}
	return head.ReadAt(ctx, from, to-from)
}

// boxAt reads a box's header: its type, where its content begins and ends. A
// codestream that is cut off ends with the file.
func boxAt(ctx context.Context, head *plainimage.Head, at, size int64) (kind string, body, end int64, err error) {
	b, err := head.ReadAt(ctx, at, 8)
	if err != nil {
		return "", 0, 0, err
	}
	kind, body = string(b[4:]), at+8
	length := int64(binary.BigEndian.Uint32(b))
	switch length {
	case 0:
		return kind, body, size, nil
	case 1:
		if at+16 > size {
			return "", 0, 0, corrupt("jp2-box", "the JP2 file ends within a box's header at byte %d", at)
		}
		if b, err = head.ReadAt(ctx, at+8, 8); err != nil {
			return "", 0, 0, err
		}
		body = at + 16
		long := binary.BigEndian.Uint64(b)
		if long > uint64(size) && kind != "jp2c" {
			return "", 0, 0, corrupt("jp2-box", "the box %q at byte %d claims %d bytes", kind, at, long)
		}
		length = int64(min(long, uint64(size)))
	}
	end = at + length
	if kind == "jp2c" {
		end = min(end, size)
	}
	if end < body || end > size {
		return "", 0, 0, corrupt("jp2-box", "the box %q at byte %d of the JP2 file claims %d bytes; %d are left", kind, at, length, size-at)
	}
	return kind, body, end, nil
}

func (f *file) fileType(b []byte) {
	if len(b) < 8 {
		return
	}
	brand := string(b[:4])
	if brand == "jp2 " {
		brand = "JPEG 2000 Image (.JP2)"
	}
	f.add("MajorBrand", brand)
	v := binary.BigEndian.Uint32(b[4:])
	f.add("MinorVersion", fmt.Sprintf("%x.%x.%x", v>>16, v>>8&0xFF, v&0xFF))
	var brands []any
	for rest := b[8:]; len(rest) >= 4 && len(brands) < 64; rest = rest[4:] {
		if brand := string(rest[:4]); brand[0] >= ' ' { // a number is no brand
			brands = append(brands, brand)
		}
	}
	if len(brands) > 0 {
		f.add("CompatibleBrands", brands)
	}
}

// headerBoxes reads the content of a superbox.
func (f *file) headerBoxes(b []byte) {
	for n := 0; n < maxBoxes && len(b) >= 8; n++ {
		length := int64(binary.BigEndian.Uint32(b))
		if length == 0 {
			length = int64(len(b))
		}
		if length < 8 || length > int64(len(b)) {
			return
		}
		f.headerBox(string(b[4:8]), b[8:length])
		b = b[length:]
	}
}

func (f *file) headerBox(kind string, b []byte) {
	switch {
	case kind == "ihdr" && len(b) >= 14:
		f.imageHeader(b)
	case kind == "colr" && len(b) >= 3:
		f.colour(b)
	case kind == "pclr":
		f.palette = true
	case kind == "res ":
		f.headerBoxes(b)
	case (kind == "resc" || kind == "resd") && len(b) >= 10:
		f.resolution(kind, b)
	}
}

func (f *file) imageHeader(b []byte) {
	f.add("ImageHeight", int64(binary.BigEndian.Uint32(b)))
	f.add("ImageWidth", int64(binary.BigEndian.Uint32(b[4:])))
	f.add("NumberOfComponents", int64(binary.BigEndian.Uint16(b[8:])))
	bits := "Variable"
	if b[10] != 0xFF {
		bits = fmt.Sprintf("%d Bits, %s", b[10]&0x7F+1, map[bool]string{true: "Signed", false: "Unsigned"}[b[10]&0x80 != 0])
	}
	f.add("BitsPerComponent", bits)
	compression := "JPEG 2000"
	if b[11] != 7 {
		compression = fmt.Sprintf("Unknown (%d)", b[11])
	}
	f.add("Compression", compression)
}

// colour takes the first colour specification (§I.5.3.3).
func (f *file) colour(b []byte) {
	if f.coloured {
		return
	}
	f.coloured = true
	pick := func(v byte, names map[byte]string) string {
		if name, ok := names[v]; ok {
			return name
		}
		return fmt.Sprintf("Unknown (%d)", v)
	}
	f.add("ColorSpecMethod", pick(b[0], map[byte]string{1: "Enumerated", 2: "Restricted ICC", 3: "Any ICC", 4: "Vendor Color"}))
	f.add("ColorSpecPrecedence", int64(int8(b[1])))
	f.add("ColorSpecApproximation", pick(b[2], map[byte]string{
		0: "Not Specified", 1: "Accurate", 2: "Exceptional Quality", 3: "Reasonable Quality", 4: "Poor Quality",
	}))
	switch {
	case b[0] == 1 && len(b) >= 7:
		f.colourSpace = binary.BigEndian.Uint32(b[3:])
		name, ok := map[uint32]string{colourCMYK: "CMYK", 14: "CIELab", colourSRGB: "sRGB", colourGrey: "Grayscale", colourSYCC: "sYCC", 20: "e-sRGB"}[f.colourSpace]
		if !ok {
			name = fmt.Sprintf("Unknown (%d)", f.colourSpace)
		}
		f.add("ColorSpace", name)
	case b[0] == 2 || b[0] == 3:
		f.profile = b[3:]
	}
}

// resolution takes the capture resolution, else that for display (§I.5.3.7):
// for each axis a fraction and a power of ten, of samples a metre.
func (f *file) resolution(kind string, b []byte) {
	use := map[string]string{"resc": "Capture", "resd": "Display"}[kind]
	y, x := fraction(b), fraction(b[4:])
	f.add(use+"YResolution", plainimage.Scalar(strconv.FormatFloat(y, 'g', 7, 64)))
	f.add(use+"XResolution", plainimage.Scalar(strconv.FormatFloat(x, 'g', 7, 64)))
	f.add(use+"YResolutionUnit", powerName(int8(b[8])))
	f.add(use+"XResolutionUnit", powerName(int8(b[9])))
	if !f.resolved || kind == "resc" {
		f.resolved = true
		f.y, f.x = y*math.Pow10(int(int8(b[8]))), x*math.Pow10(int(int8(b[9])))
	}
}

func fraction(b []byte) float64 {
	n, d := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if d == 0 {
		return 0
	}
	return float64(n) / float64(d)
}

// powerName is the length of which there are so many samples.
func powerName(power int8) string {
	name, ok := map[int8]string{-3: "km", -2: "100 m", -1: "10 m", 0: "m", 1: "10 cm", 2: "cm", 3: "mm", 4: "0.1 mm", 5: "0.01 mm", 6: "um"}[power]
	if !ok {
		return fmt.Sprintf("Unknown (%d)", power)
	}
	return name
}

// exifUUID marks a box with an EXIF block: "JpgTiffExif->JP2".
const exifUUID = "JpgTiffExif->JP2"

func (f *file) uuid(ctx context.Context, b []byte) {
	if bytes.HasPrefix(b, []byte(exifUUID)) && len(f.exif.Metadata()) == 0 {
		f.exif = exif.Read(ctx, b[len(exifUUID):])
	}
}
