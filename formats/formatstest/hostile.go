package formatstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

const (
	truncations = 24
	alterations = 96
	// altered is how many bytes of one copy are changed.
	altered = 4
	// structureWindow is how far from the end of a TIFF its directories mostly
	// begin; half of the alterations are made there.
	structureWindow = 4096
)

// Broken makes truncated and altered copies of a file, the same ones every
// time.
func Broken(file File) []File {
	var out []File
	for i := range truncations {
		length := len(file.Data) * i / truncations
		out = append(out, File{Name: fmt.Sprintf("%s cut to %d bytes", file.Name, length), Data: file.Data[:length]})
	}
	if len(file.Data) == 0 {
		return out
	}
	random := rand.New(rand.NewPCG(1, uint64(len(file.Data))))
	for i := range alterations {
		data := append([]byte(nil), file.Data...)
		for range altered {
			at := random.IntN(len(data))
			if i%2 == 0 {
				at = max(0, len(data)-1-random.IntN(structureWindow))
			}
			data[at] = byte(random.IntN(256))
		}
		out = append(out, File{Name: fmt.Sprintf("%s altered, variant %d", file.Name, i), Data: data})
	}
	return out
}

// Survives does all that can be done with a file and fails the test when an
// error has no class, when a read is outside the file, or when far more is
// read than there is. Panics fail the test by themselves.
func Survives(t testing.TB, format formats.Format, file File) {
	t.Helper()
	ctx := context.Background()
	bundle := NewBundle(file)
	classified := func(what string, err error) bool {
		if err != nil && (fault.KindOf(err) == fault.Internal || fault.KindOf(err) == fault.Busy) {
			t.Errorf("%s: %s gives an error without a class: %v", file.Name, what, err)
		}
		return err == nil
	}
	c, err := formats.NewCandidate(ctx, bundle)
	if classified("NewCandidate", err) {
		_, err = format.Probe(ctx, c)
		if err != nil {
			t.Errorf("%s: Probe gives an error for what is no failed read: %v", file.Name, err)
		}
	}
	if image, err := format.Open(ctx, bundle); classified("Open", err) {
		useAll(ctx, image, classified)
	}
	for _, complaint := range bundle.Faults() {
		t.Errorf("%s: a read broke the contract of source.Reader: %s", file.Name, complaint)
	}
	if limit := 64*int64(len(file.Data)) + 1<<20; bundle.Bytes() > limit {
		t.Errorf("%s: %d bytes were read of a file of %d", file.Name, bundle.Bytes(), len(file.Data))
	}
}

// useAll calls every capability of an image.
func useAll(ctx context.Context, image formats.Image, classified func(string, error) bool) {
	d, err := image.Describe(ctx)
	if !classified("Describe", err) {
		return
	}
	if locator, ok := image.(formats.TileLocator); ok {
		for level, l := range d.Levels {
			tiles := l.Tiles()
			for _, first := range []int{0, tiles / 2, tiles - 1} {
				_, err := locator.Locate(ctx, level, formats.Plane{}, first, 1)
				classified("Locate", err)
			}
		}
	}
	if reader, ok := image.(formats.RegionReader); ok {
		for level, l := range d.Levels {
			width, height := min(regionSide, l.Width), min(regionSide, l.Height)
			_, err := reader.ReadRegion(ctx, level, formats.Plane{}, l.Width-width, l.Height-height, width, height)
			classified("ReadRegion", err)
		}
	}
	if holder, ok := image.(formats.AssociatedImages); ok {
		list, err := holder.Associated(ctx)
		classified("Associated", err)
		for _, a := range list {
			_, err := holder.ReadAssociated(ctx, a.Name)
			classified("ReadAssociated", err)
		}
	}
	if holder, ok := image.(formats.RawMetadata); ok {
		_, err := holder.RawMetadata(ctx)
		classified("RawMetadata", err)
	}
	if holder, ok := image.(formats.ColorProfile); ok {
		_, err := holder.ICCProfile(ctx)
		classified("ICCProfile", err)
	}
	if checker, ok := image.(formats.Checker); ok {
		classified("Check", checker.Check(ctx))
	}
}
