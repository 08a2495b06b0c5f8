package sis

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// Tags of Olympus Soft Imaging Solutions.
const (
	tagMetadata tiff.Tag = 33560 // the place of a binary structure
	tagIni      tiff.Tag = 33471 // text in INI form
)

// The structure that tag 33560 points to has no specification; this is what is
// known of it. All numbers are little-endian.
//
//	0   "SIS0"
//	10  minute, hour, day, month from 0, year from 1900: five int16
//	26  name, 32 bytes
//	58  number of entries, int16
//	60  entries: kind int16, count int16, offset in the file uint32
//
// An entry of kind 1 points to the calibration:
//
//	10  exponent of ten, int16
//	12  width of a pixel, 20 height of a pixel, float64 × 10^exponent metres
//	36  magnification, float64
//	46  camera, 34 bytes
//	80  kind of picture, 32 bytes
const (
	headBytes        = 60
	entryBytes       = 8
	maxEntries       = 256
	kindCalibration  = 1
	calibrationBytes = 112
)

// metadata is what Olympus' software says.
type metadata struct {
	name, camera, picture string
	at                    *time.Time
	pixelX, pixelY        float64 // metres, 0 when not known
	magnification         float64 // 0 when not known
	ini                   []formats.Metadatum
}

// readMetadata reads both tags. What cannot be believed counts as absent;
// errors are those of reading.
func readMetadata(ctx context.Context, reader source.Reader, ifd *tiff.IFD) (metadata, error) {
	var m metadata
	text, err := tiffpage.Text(ctx, ifd, tagIni)
	if err != nil {
		return m, err
	}
	m.ini = parseIni(text)
	at, ok, err := ifd.Uint(ctx, tagMetadata)
	if err != nil && !formats.Structural(err) {
		return m, err
	}
	if err != nil || !ok {
		return m, nil
	}
	head, err := readAt(ctx, reader, at, headBytes)
	if err != nil || !bytes.HasPrefix(head, []byte("SIS0")) {
		return m, err
	}
	m.parseHead(head)
	entries := int(le16(head[58:]))
	if entries < 0 || entries > maxEntries {
		return m, nil
	}
	table, err := readAt(ctx, reader, at+headBytes, entries*entryBytes)
	if err != nil {
		return m, err
	}
	for i := 0; i+entryBytes <= len(table); i += entryBytes {
		if le16(table[i:]) != kindCalibration {
			continue
		}
		block, err := readAt(ctx, reader, uint64(binary.LittleEndian.Uint32(table[i+4:])), calibrationBytes)
		if err != nil {
			return m, err
		}
		m.parseCalibration(block)
	}
	return m, nil
}

// readAt reads bytes if they are in the file, else none.
func readAt(ctx context.Context, reader source.Reader, at uint64, length int) ([]byte, error) {
	if length < 1 || at > uint64(reader.Size()) || uint64(length) > uint64(reader.Size())-at {
		return nil, nil
	}
	return source.ReadAt(ctx, reader, int64(at), int64(length))
}

func (m *metadata) parseHead(b []byte) {
	minute, hour, day, month, year := le16(b[10:]), le16(b[12:]), le16(b[14:]), le16(b[16:]), le16(b[18:])
	at := time.Date(1900+year, time.Month(month+1), day, hour, minute, 0, 0, time.UTC)
	if at.Day() == day && at.Hour() == hour && at.Minute() == minute && int(at.Month()) == month+1 && year > 0 {
		m.at = &at
	}
	m.name = padded(b[26:58])
}

func (m *metadata) parseCalibration(b []byte) {
	if len(b) < calibrationBytes {
		return
	}
	scale := math.Pow(10, float64(le16(b[10:])))
	m.pixelX, m.pixelY = positive(float64At(b[12:])*scale), positive(float64At(b[20:])*scale)
	m.magnification = positive(float64At(b[36:]))
	m.camera, m.picture = padded(b[46:80]), padded(b[80:112])
}

func le16(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }

func float64At(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

// positive is 0 for what is no positive finite number.
func positive(v float64) float64 {
	if v > 0 && v < math.MaxFloat64 {
		return v
	}
	return 0
}

// padded is text up to the first NUL.
func padded(b []byte) string {
	text, _, _ := bytes.Cut(b, []byte{0})
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "?"))
}

// maxIniLines bounds the lines of the INI text that are kept.
const maxIniLines = 4096

// parseIni lists "key=value" lines as "Section.key".
func parseIni(text string) []formats.Metadatum {
	var out []formats.Metadatum
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) > 1 && line[0] == '[' && line[len(line)-1] == ']' {
			section = line[1:len(line)-1] + "."
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !ok || key == "" || line[0] == ';' || len(out) == maxIniLines {
			continue
		}
		out = append(out, formats.Metadatum{Namespace: namespace, Key: section + key, Value: formats.ParseScalar(strings.TrimSpace(value))})
	}
	return out
}

// namespace is that of all values of Olympus' software.
const namespace = "OLYMPUS"

// list gives the values as PIMS names them (pims-api §5.5).
func (m metadata) list() []formats.Metadatum {
	var out []formats.Metadatum
	add := func(key string, value any, ok bool) {
		if ok {
			out = append(out, formats.Metadatum{Namespace: namespace, Key: key, Value: value})
		}
	}
	add("name", m.name, m.name != "")
	if m.at != nil {
		out = append(out, formats.Metadatum{Namespace: namespace, Key: "datetime", Value: m.at.Format("2006-01-02 15:04:05"), Type: formats.TypeDateTime})
	}
	add("pixelsizex", m.pixelX, m.pixelX > 0)
	add("pixelsizey", m.pixelY, m.pixelY > 0)
	add("magnification", m.magnification, m.magnification > 0)
	add("cameraname", m.camera, m.camera != "")
	add("picturetype", m.picture, m.picture != "")
	return append(out, m.ini...)
}
