// Package inspect prints the structure of a TIFF file for people: directories,
// tags, levels, tiles, codecs, and what would make viewing it slow.
package inspect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	names "github.com/google/tiff"

	"github.com/pims-cloud/pims/tiff"
)

const (
	// maxShown is how many values of a tag are printed.
	maxShown = 8
	// maxText is how many characters of a text are printed.
	maxText = 400
	// maxDirectories is how many directories are printed in full.
	maxDirectories = 200
)

// Write prints the structure of f to w. What is wrong inside a directory is
// printed where it was found; the error is that of a file whose chain of
// directories cannot be followed, or of w.
func Write(ctx context.Context, w io.Writer, f *tiff.File) error {
	out := bufio.NewWriter(w)
	pages, err := f.IFDs(ctx)
	if err != nil {
		return err
	}
	flavour, order := "TIFF", "little-endian"
	if f.BigTIFF() {
		flavour = "BigTIFF"
	}
	if f.ByteOrder().Uint16([]byte{0, 1}) == 1 {
		order = "big-endian"
	}
	fmt.Fprintf(out, "%s, %s, %d bytes, %d directories in the chain\n", flavour, order, f.Size(), len(pages))
	p := printer{ctx: ctx, out: out}
	for _, d := range pages {
		p.directory(d, strconv.Itoa(d.Index), 0)
	}
	if p.printed > maxDirectories {
		fmt.Fprintf(out, "… and %d more directories\n", p.printed-maxDirectories)
	}
	advice := Advice(p.levels)
	fmt.Fprintln(out, "\nViewing:")
	if len(advice) == 0 {
		fmt.Fprintln(out, "  every tile is one range read and needs no decoding")
	}
	for _, a := range advice {
		fmt.Fprintln(out, "  "+a)
	}
	return out.Flush()
}

type printer struct {
	ctx     context.Context
	out     io.Writer
	printed int
	levels  []*tiff.Layout // every readable directory
}

// directory prints one directory and its SubIFDs.
func (p *printer) directory(d *tiff.IFD, name string, depth int) {
	p.printed++
	layout, err := d.Layout(p.ctx)
	if err == nil {
		p.levels = append(p.levels, layout)
	}
	if p.printed <= maxDirectories {
		indent := strings.Repeat("  ", depth)
		fmt.Fprintf(p.out, "\n%sDirectory %s at byte %d\n", indent, name, d.Offset)
		if err != nil {
			fmt.Fprintf(p.out, "%s  cannot be read: %v\n", indent, err)
		} else {
			fmt.Fprintf(p.out, "%s  %s\n", indent, Summary(layout))
		}
		for _, e := range d.Entries() {
			fmt.Fprintf(p.out, "%s  %5d %-26s %-9s %s\n", indent, e.Tag, tagName(e.Tag), e.Type, p.value(d, e))
		}
	}
	subs, err := d.SubIFDs(p.ctx)
	if err != nil {
		fmt.Fprintf(p.out, "  SubIFDs of directory %s cannot be read: %v\n", name, err)
		return
	}
	for _, sub := range subs {
		p.directory(sub, name+"."+strconv.Itoa(sub.Index), depth+1)
	}
}

// Summary is one line about how the pixels of a directory are stored.
func Summary(l *tiff.Layout) string {
	unit := "strips"
	if l.Tiled {
		unit = "tiles"
	}
	return fmt.Sprintf("%d × %d pixels, %d × %d bit %s, %s, %d %s of %d × %d",
		l.Width, l.Height, l.SamplesPerPixel, l.BitsPerSample[0], l.Photometric, l.Compression,
		l.Segments(), unit, l.TileWidth, l.TileHeight)
}

// value prints the values of an entry, long ones in part. Only the printed
// part is read.
func (p *printer) value(d *tiff.IFD, e tiff.Entry) string {
	if e.Type == tiff.ASCII || e.Tag == tiff.XMP {
		s, _, err := d.Text(p.ctx, e.Tag)
		if err != nil {
			return err.Error()
		}
		runes := []rune(s)
		if len(runes) > maxText {
			return fmt.Sprintf("%q… (%d characters)", string(runes[:maxText]), len(runes))
		}
		return strconv.Quote(s)
	}
	if e.Count > maxShown {
		return fmt.Sprintf("%d values", e.Count) + p.head(d, e)
	}
	v, _, err := d.Value(p.ctx, e.Tag)
	if err != nil {
		return err.Error()
	}
	return values(v)
}

// head is the first values of a long array of whole numbers.
func (p *printer) head(d *tiff.IFD, e tiff.Entry) string {
	switch e.Type {
	case tiff.Short, tiff.Long, tiff.Long8, tiff.IFDOffset, tiff.IFD8:
	default:
		return ""
	}
	first, err := d.UintsAt(p.ctx, e.Tag, 0, maxShown)
	if err != nil {
		return ": " + err.Error()
	}
	return ": " + strings.Trim(fmt.Sprint(first), "[]") + " …"
}

// values prints a few values; enumerated ones with their name.
func values(v tiff.Value) string {
	var parts []string
	for _, n := range v.Ints {
		s := strconv.FormatInt(n, 10)
		if n >= 0 {
			if name, ok := tiff.EnumName(v.Tag, uint64(n)); ok {
				s += " " + name
			}
		}
		parts = append(parts, s)
	}
	for _, n := range v.Uints {
		parts = append(parts, strconv.FormatUint(n, 10))
	}
	for _, x := range v.Floats {
		parts = append(parts, strconv.FormatFloat(x, 'g', -1, 64))
	}
	for _, r := range v.Ratios {
		parts = append(parts, fmt.Sprintf("%d/%d", r.Num, r.Den))
	}
	for _, b := range v.Bytes {
		parts = append(parts, strconv.Itoa(int(b)))
	}
	return strings.Join(parts, " ")
}

// tagName prefers the name of google/tiff's lists, which know many private tags.
func tagName(tag tiff.Tag) string {
	if own := tag.String(); own != strconv.Itoa(int(tag)) {
		return own
	}
	name := names.DefaultTagSpace.GetTag(uint16(tag)).Name()
	if strings.HasPrefix(name, "UNNAMED") || name == "" {
		return "private"
	}
	return name
}
