package jpeg

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/exif"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
)

// The marker codes of ITU-T T.81 table B.1 that carry metadata.
const (
	markerAPP0  = 0xE0
	markerAPP1  = 0xE1
	markerAPP2  = 0xE2
	markerAPP14 = 0xEE
	markerCOM   = 0xFE
)

// Bounds on what a header brings along.
const (
	maxComments     = 64
	maxProfileParts = 255 // ICC.1:2010 annex B.4
)

// markers is what the segments say besides how to decode.
type markers struct {
	list    []formats.Metadatum
	exif    exif.Block
	comment string
	jfif    jfif
	parts   map[byte][]byte // of the ICC profile, by number from 1
	total   byte            // how many parts there are
}

// jfif is the density of an APP0 segment (JFIF 1.02): unit 0 none, 1 inch, 2 cm.
type jfif struct {
	unit byte
	x, y uint16
}

func readMarkers(ctx context.Context, h *jpeg.Header, data []byte) *markers {
	m := &markers{parts: map[byte][]byte{}}
	framed, haveJFIF, comments := false, false, 0
	for s := range jpeg.Segments(data) {
		p := s.Payload
		switch {
		case s.Marker == markerAPP0 && len(p) >= 12 && bytes.HasPrefix(p, []byte("JFIF\x00")) && !haveJFIF:
			haveJFIF = true
			m.readJFIF(p)
		case s.Marker == markerAPP1 && bytes.HasPrefix(p, []byte("Exif\x00\x00")):
			m.readExif(ctx, p)
		case s.Marker == markerAPP2 && len(p) > 14 && bytes.HasPrefix(p, []byte("ICC_PROFILE\x00")):
			m.parts[p[12]], m.total = p[14:], p[13]
		case s.Marker == markerAPP14 && len(p) >= 12 && bytes.HasPrefix(p, []byte("Adobe")):
			m.readAdobe(p)
		case s.Marker == markerCOM && comments < maxComments:
			comments++
			m.readComment(p)
		case isFrame(s.Marker) && !framed:
			framed = true
			m.readFrame(h)
		}
	}
	return m
}

func isFrame(marker byte) bool {
	return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
}

func (m *markers) add(namespace, key string, value any) {
	m.list = append(m.list, formats.Metadatum{Namespace: namespace, Key: key, Value: value})
}

func (m *markers) readJFIF(p []byte) {
	m.jfif = jfif{unit: p[7], x: binary.BigEndian.Uint16(p[8:]), y: binary.BigEndian.Uint16(p[10:])}
	m.add("JFIF", "JFIFVersion", plainimage.Scalar(fmt.Sprintf("%d.%02d", p[5], p[6])))
	unit := "Unknown (" + strconv.Itoa(int(p[7])) + ")"
	if names := []string{"None", "inches", "cm"}; int(p[7]) < len(names) {
		unit = names[p[7]]
	}
	m.add("JFIF", "ResolutionUnit", unit)
	m.add("JFIF", "XResolution", int64(m.jfif.x))
	m.add("JFIF", "YResolution", int64(m.jfif.y))
}

// readExif takes the first block that says something.
func (m *markers) readExif(ctx context.Context, p []byte) {
	if len(m.exif.Metadata()) > 0 {
		return
	}
	m.exif = exif.Read(ctx, p)
	m.list = append(m.list, m.exif.Metadata()...)
}

func (m *markers) readAdobe(p []byte) {
	m.add("APP14", "DCTEncodeVersion", int64(binary.BigEndian.Uint16(p[5:])))
	transform := "Unknown (" + strconv.Itoa(int(p[11])) + ")"
	if names := []string{"Unknown (RGB or CMYK)", "YCbCr", "YCCK"}; int(p[11]) < len(names) {
		transform = names[p[11]]
	}
	m.add("APP14", "ColorTransform", transform)
}

// readComment keeps the last one, as exiftool does.
func (m *markers) readComment(p []byte) {
	text := plainimage.Text(p)
	if text == "" {
		return
	}
	m.comment = text
	for i := range m.list {
		if m.list[i].Namespace == "FILE" && m.list[i].Key == "Comment" {
			m.list[i].Value = plainimage.Scalar(text)
			return
		}
	}
	m.add("FILE", "Comment", plainimage.Scalar(text))
}

func (m *markers) readFrame(h *jpeg.Header) {
	m.add("FILE", "ImageWidth", int64(h.Width))
	m.add("FILE", "ImageHeight", int64(h.Height))
	process := map[int]string{
		0: "Baseline DCT, Huffman coding", 1: "Extended sequential DCT, Huffman coding", 2: "Progressive DCT, Huffman coding",
		9: "Extended sequential DCT, arithmetic coding", 10: "Progressive DCT, arithmetic coding",
	}[h.Process]
	m.add("FILE", "EncodingProcess", process)
	m.add("FILE", "BitsPerSample", int64(h.Precision))
	m.add("FILE", "ColorComponents", int64(len(h.Components)))
	if len(h.Components) == 3 {
		m.add("FILE", "YCbCrSubSampling", subsampling(h))
	}
}

// subsampling is the greatest over the least sampling factors.
func subsampling(h *jpeg.Header) string {
	hMin, hMax, vMin, vMax := 4, 1, 4, 1
	for _, c := range h.Components {
		hMin, hMax = min(hMin, c.H), max(hMax, c.H)
		vMin, vMax = min(vMin, c.V), max(vMax, c.V)
	}
	key := fmt.Sprintf("%d %d", hMax/hMin, vMax/vMin)
	name, ok := map[string]string{
		"1 1": "YCbCr4:4:4", "2 1": "YCbCr4:2:2", "2 2": "YCbCr4:2:0", "4 1": "YCbCr4:1:1",
		"4 2": "YCbCr4:1:0", "1 2": "YCbCr4:4:0", "1 4": "YCbCr4:4:1", "2 4": "YCbCr4:2:1",
	}[key]
	if !ok {
		return key
	}
	return name + " (" + key + ")"
}

// profile puts the parts together; nil when one is missing.
func (m *markers) profile() []byte {
	var out []byte
	for n := 1; n <= int(m.total) && n <= maxProfileParts; n++ {
		part, ok := m.parts[byte(n)]
		if !ok {
			return nil
		}
		out = append(out, part...)
	}
	return out
}

// describe fills in what pims-api §5.4 takes from the metadata.
func (m *markers) describe(d *formats.Description) {
	d.Text = plainimage.FirstText(append([]string{m.comment}, m.exif.Descriptions()...)...)
	d.AcquiredAt = m.exif.AcquiredAt()
	d.PhysicalSizeX, d.PhysicalSizeY = m.exif.PixelSize()
	unit := map[byte]float64{1: plainimage.Inch, 2: plainimage.Centimetre}[m.jfif.unit]
	if d.PhysicalSizeX == nil {
		d.PhysicalSizeX = plainimage.PixelSize(float64(m.jfif.x), unit)
	}
	if d.PhysicalSizeY == nil {
		d.PhysicalSizeY = plainimage.PixelSize(float64(m.jfif.y), unit)
	}
}
