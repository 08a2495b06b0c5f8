package png

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/klauspost/compress/zlib"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/exif"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// Namespace is that of the chunks' values.
const Namespace = "PNG"

// Bounds on texts and profiles.
const (
	maxText     = 64 << 10 // of one text, decompressed
	maxAllText  = 1 << 20
	maxProfile  = 4 << 20
	maxTexts    = 256
	keywordBits = 79 // PNG §11.3.4: a keyword's greatest length
)

// metadata is what the chunks besides the pixels say.
type metadata struct {
	list         []formats.Metadatum
	exif         exif.Block
	colour       byte
	transparency bool
	profile      []byte
	unit         byte // of pHYs: 1 is metres
	x, y         uint32
	textBytes    int
	texts        int
}

func wanted(kind string) bool {
	switch kind {
	case "cHRM", "gAMA", "sRGB", "iCCP", "tRNS", "pHYs", "tIME", "tEXt", "zTXt", "iTXt", "eXIf", "acTL", "sBIT", "bKGD":
		return true
	}
	return false
}

// add keeps the last value of a key, at the place of the first.
func (m *metadata) add(key string, value any) {
	for i := range m.list {
		if m.list[i].Namespace == Namespace && m.list[i].Key == key {
			m.list[i].Value = value
			return
		}
	}
	m.list = append(m.list, formats.Metadatum{Namespace: Namespace, Key: key, Value: value})
}

func (m *metadata) header(h header) {
	m.colour = h.colour
	m.add("ImageWidth", int64(h.width))
	m.add("ImageHeight", int64(h.height))
	m.add("BitDepth", int64(h.depth))
	m.add("ColorType", named(h.colour, map[byte]string{
		colourGrey: "Grayscale", colourRGB: "RGB", colourPalette: "Palette", colourGreyAlpha: "Grayscale with Alpha", colourRGBA: "RGB with Alpha",
	}))
	m.add("Compression", named(h.compression, map[byte]string{0: "Deflate/Inflate"}))
	m.add("Filter", named(h.filter, map[byte]string{0: "Adaptive"}))
	m.add("Interlace", named(h.interlace, map[byte]string{0: "Noninterlaced", 1: "Adam7 Interlace"}))
}

func named(v byte, names map[byte]string) string {
	if name, ok := names[v]; ok {
		return name
	}
	return "Unknown (" + strconv.Itoa(int(v)) + ")"
}

// chunk takes one chunk; what is broken in it is left out.
func (m *metadata) chunk(ctx context.Context, kind string, data []byte) {
	switch kind {
	case "tRNS":
		m.transparency = true
		if m.colour != colourPalette {
			m.words("Transparency", data)
		}
	case "bKGD":
		if len(data) == 1 { // an index
			m.add("BackgroundColor", int64(data[0]))
		} else {
			m.words("BackgroundColor", data)
		}
	case "eXIf":
		if len(m.exif.Metadata()) == 0 {
			m.exif = exif.Read(ctx, data)
			m.list = append(m.list, m.exif.Metadata()...)
		}
	case "iCCP":
		m.readProfile(data)
	case "tEXt", "zTXt", "iTXt":
		m.text(kind, data)
	default:
		m.numbers(kind, data)
	}
}

// numbers takes the chunks of fixed shape (PNG §11.3).
func (m *metadata) numbers(kind string, data []byte) {
	u32 := func(i int) uint32 { return binary.BigEndian.Uint32(data[4*i:]) }
	switch {
	case kind == "cHRM" && len(data) == 32:
		for i, key := range []string{"WhitePointX", "WhitePointY", "RedX", "RedY", "GreenX", "GreenY", "BlueX", "BlueY"} {
			m.add(key, number(float64(u32(i))/100_000))
		}
	case kind == "gAMA" && len(data) == 4 && u32(0) != 0:
		m.add("Gamma", number(math.Floor(1e9/float64(u32(0))+0.5)/1e4))
	case kind == "sRGB" && len(data) == 1:
		m.add("SRGBRendering", named(data[0], map[byte]string{0: "Perceptual", 1: "Relative Colorimetric", 2: "Saturation", 3: "Absolute Colorimetric"}))
	case kind == "pHYs" && len(data) == 9:
		m.x, m.y, m.unit = u32(0), u32(1), data[8]
		m.add("PixelsPerUnitX", int64(m.x))
		m.add("PixelsPerUnitY", int64(m.y))
		m.add("PixelUnits", named(m.unit, map[byte]string{0: "Unknown", 1: "meters"}))
	case kind == "tIME" && len(data) == 7:
		m.add("ModifyDate", fmt.Sprintf("%04d:%02d:%02d %02d:%02d:%02d", binary.BigEndian.Uint16(data), data[2], data[3], data[4], data[5], data[6]))
	case kind == "sBIT" && len(data) > 0 && len(data) <= 4:
		parts := make([]string, len(data))
		for i, b := range data {
			parts[i] = strconv.Itoa(int(b))
		}
		m.add("SignificantBits", plainimage.Scalar(strings.Join(parts, " ")))
	case kind == "acTL" && len(data) == 8:
		m.add("AnimationFrames", int64(u32(0)))
		plays := any(int64(u32(1)))
		if u32(1) == 0 {
			plays = "inf"
		}
		m.add("AnimationPlays", plays)
	}
}

// words takes one or three samples of 16 bits.
func (m *metadata) words(key string, data []byte) {
	if len(data) != 2 && len(data) != 6 {
		return
	}
	var parts []string
	for ; len(data) > 0; data = data[2:] {
		parts = append(parts, strconv.Itoa(int(binary.BigEndian.Uint16(data))))
	}
	m.add(key, plainimage.Scalar(strings.Join(parts, " ")))
}

// number is whole where it can be.
func number(f float64) any {
	return plainimage.Scalar(strconv.FormatFloat(f, 'f', -1, 64))
}

func (m *metadata) readProfile(data []byte) {
	name, rest, ok := bytes.Cut(data, []byte{0})
	if !ok || len(name) > keywordBits || len(rest) < 2 || rest[0] != 0 {
		return
	}
	m.add("ProfileName", plainimage.Scalar(plainimage.Latin1(name)))
	if profile, ok := inflate(rest[1:], maxProfile); ok {
		m.profile = profile
	}
}

// text takes one of the three textual chunks (PNG §11.3.4).
func (m *metadata) text(kind string, data []byte) {
	keyword, rest, ok := bytes.Cut(data, []byte{0})
	if !ok || len(keyword) == 0 || len(keyword) > keywordBits || m.texts >= maxTexts {
		return
	}
	m.texts++
	language, value, ok := "", rest, true
	switch kind {
	case "zTXt":
		if len(rest) < 1 || rest[0] != 0 {
			return
		}
		value, ok = inflate(rest[1:], maxText)
	case "iTXt":
		language, value, ok = international(rest)
	}
	if !ok || len(value) > maxText || m.textBytes+len(value) > maxAllText {
		return
	}
	key := tagName(plainimage.Latin1(keyword))
	if key == "" || strings.HasPrefix(key, "RawProfileType") || string(keyword) == "XML:com.adobe.xmp" {
		return // EXIF, IPTC and XMP in disguise
	}
	if language != "" {
		key += "-" + language
	}
	m.textBytes += len(value)
	text := plainimage.Text(value)
	if key == "CreationTime" {
		if at := plainimage.Moment(text); at != nil {
			text = at.Format("2006:01:02 15:04:05")
		}
	}
	m.add(key, plainimage.Scalar(text))
}

// international takes an iTXt chunk behind its keyword.
func international(rest []byte) (language string, value []byte, ok bool) {
	if len(rest) < 2 {
		return "", nil, false
	}
	compressed, method := rest[0], rest[1]
	tag, rest, ok := bytes.Cut(rest[2:], []byte{0})
	if !ok || len(tag) > keywordBits {
		return "", nil, false
	}
	_, value, ok = bytes.Cut(rest, []byte{0}) // the translated keyword
	switch {
	case !ok || compressed > 1 || method != 0:
		return "", nil, false
	case compressed == 1:
		value, ok = inflate(value, maxText)
	}
	return plainimage.Latin1(tag), value, ok
}

// inflate gives up at more than max bytes.
func inflate(data []byte, max int64) ([]byte, bool) {
	reader, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	out, err := io.ReadAll(io.LimitReader(reader, max+1))
	if err != nil || int64(len(out)) > max {
		return nil, false
	}
	return out, true
}

// tagName makes exiftool's key of a keyword: words joined with a capital, other
// signs than letters, digits, "-" and "_" left out.
func tagName(keyword string) string {
	var out strings.Builder
	up := true
	for _, r := range keyword {
		switch {
		case unicode.IsSpace(r):
			up = true
		case r == '-' || r == '_' || r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if up {
				r = unicode.ToUpper(r)
			}
			up = false
			out.WriteRune(r)
		}
	}
	return out.String()
}

func (m *metadata) value(key string) string {
	for _, it := range m.list {
		if it.Namespace == Namespace && it.Key == key {
			text, _ := it.Value.(string)
			return text
		}
	}
	return ""
}

// describe fills in what pims-api §5.4 takes from the metadata.
func (m *metadata) describe(d *formats.Description) {
	d.Text = plainimage.FirstText(append([]string{m.value("Comment")}, m.exif.Descriptions()...)...)
	d.AcquiredAt = plainimage.FirstMoment(m.value("CreationTime"), m.value("ModifyDate"))
	if d.AcquiredAt == nil {
		d.AcquiredAt = m.exif.AcquiredAt()
	}
	if m.unit == 1 {
		d.PhysicalSizeX = plainimage.PixelSize(float64(m.x), plainimage.Metre)
		d.PhysicalSizeY = plainimage.PixelSize(float64(m.y), plainimage.Metre)
		return
	}
	d.PhysicalSizeX, d.PhysicalSizeY = m.exif.PixelSize()
}
