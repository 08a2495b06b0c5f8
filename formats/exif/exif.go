package exif

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// Namespace is that of EXIF's values; the byte order stands among FILE's.
const (
	Namespace     = "EXIF"
	fileNamespace = "FILE"
)

// Bounds of a block. Cameras write about 100 entries in five directories.
const (
	maxDirectories = 8
	maxEntries     = 1024
	maxTextBytes   = 64 << 10
)

// Block is what one EXIF block says. The zero Block says nothing. It is
// immutable once read.
type Block struct {
	order  binary.ByteOrder // nil when there is no block
	fields []field
}

// field is one value under exiftool's name.
type field struct {
	name  string
	value any
}

// Read reads a block: a TIFF header and what follows, "Exif\0\0" before it or
// not. It never fails: what cannot be read is left out.
func Read(ctx context.Context, block []byte) Block {
	const mark = "Exif\x00\x00"
	if len(block) > len(mark) && string(block[:len(mark)]) == mark {
		block = block[len(mark):]
	}
	file, err := tiff.Open(ctx, source.Bytes("", block), tiff.Limits{
		MaxIFDs: maxDirectories, MaxEntriesPerIFD: maxEntries, MaxStructureBytes: 1 << 20, MaxValueBytes: 1 << 20,
	})
	if err != nil {
		return Block{}
	}
	b := Block{order: file.ByteOrder()}
	first := file.First()
	b.read(ctx, first, mainDirectory)
	if sub, ok, err := first.Directory(ctx, tiff.ExifIFD); err == nil && ok {
		b.read(ctx, sub, exifDirectory)
		if interop, ok, err := sub.Directory(ctx, tagInteropIFD); err == nil && ok {
			b.read(ctx, interop, interopDirectory)
		}
	}
	if gps, ok, err := first.Directory(ctx, tiff.GPSIFD); err == nil && ok {
		b.read(ctx, gps, gpsDirectory)
	}
	// The second directory describes the embedded thumbnail.
	if all, err := file.IFDs(ctx); err == nil && len(all) > 1 {
		b.read(ctx, all[1], thumbnailDirectory)
	}
	return b
}

// read adds what a directory says and earlier ones do not.
func (b *Block) read(ctx context.Context, d *tiff.IFD, kind directory) {
	for _, e := range d.Entries() {
		def, known := define(kind, e.Tag)
		if def.hidden || e.Count == 0 || e.Count > maxTextBytes || len(b.fields) >= maxEntries {
			continue
		}
		v, ok, err := d.Value(ctx, e.Tag)
		if err != nil || !ok {
			continue
		}
		shown, ok := b.show(def, v)
		if !ok || !known && unshowable(v) || b.has(def.name) {
			continue
		}
		b.fields = append(b.fields, field{def.name, shown})
	}
}

func (b *Block) has(name string) bool {
	_, ok := b.value(name)
	return ok
}

func (b *Block) value(name string) (any, bool) {
	for _, f := range b.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return nil, false
}

// Metadata lists the byte order and the values in the order of the block.
func (b Block) Metadata() []formats.Metadatum {
	if b.order == nil {
		return nil
	}
	order := "Little-endian (Intel, II)"
	if b.order == binary.BigEndian {
		order = "Big-endian (Motorola, MM)"
	}
	out := []formats.Metadatum{{Namespace: fileNamespace, Key: "ExifByteOrder", Value: order}}
	for _, f := range b.fields {
		out = append(out, formats.Metadatum{Namespace: Namespace, Key: f.name, Value: f.value})
	}
	return out
}

// text is a value that is text, "" when it is absent or a number.
func (b Block) text(name string) string {
	v, _ := b.value(name)
	text, _ := v.(string)
	return text
}

// Descriptions are the texts that describe the image, the preferred one first;
// some may be blank (pims-api §5.4).
func (b Block) Descriptions() []string {
	return []string{b.text("ImageDescription"), b.text("UserComment")}
}

// AcquiredAt is when the image was taken, else made, else last changed; nil
// when the block does not say.
func (b Block) AcquiredAt() *time.Time {
	return plainimage.FirstMoment(b.text("DateTimeOriginal"), b.text("CreateDate"), b.text("ModifyDate"))
}

// PixelSize is the size of a pixel in µm: 1 over the resolution in its unit.
// Both are nil without a unit.
func (b Block) PixelSize() (x, y *float64) {
	unit := 0.0
	switch b.text("ResolutionUnit") {
	case "inches":
		unit = plainimage.Inch
	case "cm":
		unit = plainimage.Centimetre
	}
	return plainimage.PixelSize(b.number("XResolution"), unit), plainimage.PixelSize(b.number("YResolution"), unit)
}

func (b Block) number(name string) float64 {
	v, _ := b.value(name)
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}
