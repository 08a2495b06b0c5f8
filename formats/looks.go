package formats

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// signature is how files of a kind begin.
type signature struct {
	offset int
	magic  string
	looks  string
}

// signatures are tried in order; longer ones stand before their prefixes.
func signatures() []signature {
	return []signature{
		{0, "\xff\xd8\xff", "a JPEG image"},
		{0, "\x89PNG", "a PNG image"},
		{0, "GIF8", "a GIF image"},
		{0, "\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"},
		{0, "\xff\x4f\xff\x51", "a JPEG 2000 codestream"},
		{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL image"},
		{0, "\xff\x0a", "a JPEG XL codestream"},
		{128, "DICM", "a DICOM file"},
		{0, "PK\x03\x04", "a zip archive"},
		{0, "PK\x05\x06", "an empty zip archive"},
		{0, "\x1f\x8b", "a gzip file"},
		{0, "BZh", "a bzip2 file"},
		{0, "\xfd7zXZ\x00", "an xz file"},
		{0, "\x28\xb5\x2f\xfd", "a zstd file"},
		{0, "7z\xbc\xaf\x27\x1c", "a 7z archive"},
		{0, "Rar!\x1a\x07", "a RAR archive"},
		{257, "ustar", "a tar archive"},
		{0, "%PDF-", "a PDF document"},
		{0, "8BPS", "a Photoshop image"},
		{0, "BM", "a BMP image"},
		{0, "P1", "a plain PBM image"}, {0, "P2", "a plain PGM image"}, {0, "P3", "a plain PPM image"},
		{0, "P4", "a PBM image"}, {0, "P5", "a PGM image"}, {0, "P6", "a PPM image"},
	}
}

// vendorSignatures are how slides of vendors begin that no format reads yet.
// They are tried before the others, in order.
func vendorSignatures() []signature {
	return []signature{
		{0, "ZISRAWFILE", "a Zeiss CZI slide"},
		{0, "ZISRAW", "a part of a Zeiss CZI slide"},
		{0, "SQLite format 3\x00", "an SQLite database (Sakura slides are such)"},
		{0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Imaris images are such)"},
		{0, "\xda\xce\xbe\x0a", "a Nikon ND2 image"},
		{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE compound file (old Zeiss and Olympus images are such)"},
	}
}

// lookOf finds the signature that the header begins with; "" when there is none.
func lookOf(head []byte, among []signature) string {
	for _, s := range among {
		if len(head) >= s.offset+len(s.magic) && string(head[s.offset:s.offset+len(s.magic)]) == s.magic {
			return s.looks
		}
	}
	return ""
}

// Looks says in a few words what the candidate's first bytes resemble, for
// reports and errors: "a JPEG image", "an empty file". It never reads.
func Looks(c *Candidate) string {
	head := c.Header()
	switch {
	case c.Reader() == nil:
		return "a folder of files"
	case len(head) == 0:
		return "an empty file"
	case looksLikeBigTIFF(head):
		return "a BigTIFF file"
	case looksLikeTIFF(head):
		return "a TIFF file"
	case len(head) >= 12 && string(head[:4]) == "RIFF":
		return looksOfRIFF(head)
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return looksOfFtyp(head)
	}
	if looks := lookOf(head, vendorSignatures()); looks != "" {
		return looks
	}
	if looks := lookOf(head, signatures()); looks != "" {
		return looks
	}
	return looksOfText(head)
}

func looksOfRIFF(head []byte) string {
	if string(head[8:12]) == "WEBP" {
		return "a WebP image"
	}
	return "a RIFF file"
}

func looksOfFtyp(head []byte) string {
	switch string(head[8:12]) {
	case "avif", "avis":
		return "an AVIF image"
	case "heic", "heix", "mif1", "hevc":
		return "a HEIF image"
	}
	return "an MP4 or QuickTime file"
}

// looksOfText tells text from binary; what is cut in the middle of a character
// at the end of the header is text too.
func looksOfText(head []byte) string {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if !isText(head) {
		return "nothing that is known (binary data)"
	}
	switch {
	case len(trimmed) == 0:
		return "a blank text file"
	case bytes.HasPrefix(trimmed, []byte("<!DOCTYPE html")), bytes.HasPrefix(trimmed, []byte("<html")):
		return "an HTML page"
	case bytes.HasPrefix(trimmed, []byte("<svg")):
		return "an SVG drawing"
	case trimmed[0] == '<':
		return "an XML file"
	case trimmed[0] == '{':
		return "a JSON file"
	case bytes.HasPrefix(trimmed, []byte("[Virtual Microscope Specimen]")):
		return "the index of a Hamamatsu VMS slide"
	}
	return "a text file"
}

func isText(head []byte) bool {
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 && utf8.FullRune(head) {
			return false
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' {
			return false
		}
		head = head[size:]
	}
	return true
}

// looksLikeTIFF is the test of pims-api §5.2 for all TIFF kinds, version
// number included: "II" alone begins many a text file.
func looksLikeTIFF(head []byte) bool {
	order, ok := tiffByteOrder(head)
	return ok && (order.Uint16(head[2:]) == 42 || order.Uint16(head[2:]) == 43)
}

func looksLikeBigTIFF(head []byte) bool {
	order, ok := tiffByteOrder(head)
	return ok && order.Uint16(head[2:]) == 43
}

func tiffByteOrder(head []byte) (binary.ByteOrder, bool) {
	if len(head) < 4 {
		return nil, false
	}
	switch string(head[:2]) {
	case "II":
		return binary.LittleEndian, true
	case "MM":
		return binary.BigEndian, true
	}
	return nil, false
}
