package cog_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// large opens the slide of 503 megapixels that `make bench` draws.
func large(b *testing.B) (cog.Source, int64) {
	b.Helper()
	path := filepath.Join(testfiles.Root(b), "testdata", "large", "bench.svs")
	if _, err := os.Stat(path); err != nil {
		b.Skip("testdata/large/bench.svs is not here; make bench draws it")
	}
	driver, err := dir.Open(filepath.Dir(path))
	must(b, err)
	store := objectstore.New(driver)
	o, err := store.Stat(background, filepath.Base(path))
	must(b, err)
	r := store.Source(o)
	img, err := svs.New().Open(background, objectstore.SingleBundle(store, o))
	must(b, err)
	d, err := img.Describe(background)
	must(b, err)
	locator := img.(formats.TileLocator)
	return cog.Source{
		Description: d, Encodings: locator.Encodings(),
		Locate: func(ctx context.Context, level, _, first, count int) ([]formats.Extent, error) {
			return locator.Locate(ctx, level, formats.Plane{}, first, count)
		},
		Read: func(ctx context.Context, extents []formats.Extent) ([][]byte, error) {
			return r.ReadRanges(ctx, rangesOf(extents))
		},
	}, int64(d.Width) * int64(d.Height)
}

// BenchmarkConvert measures megapixels a second, and the most memory that the
// process held, of all ways with the large slide: copying all levels, copying
// level 0 and making the others, and encoding all anew.
func BenchmarkConvert(b *testing.B) {
	for _, c := range []struct {
		name    string
		levels  int
		options cog.Options
		codec   formats.Codec // other than the source's own: nothing is copied
	}{
		{"copy all levels", 0, cog.Options{}, ""},
		{"copy level 0, make the others", 1, cog.Options{}, ""},
		{"transcode to JPEG", 1, cog.Options{}, "other"},
		{"transcode to deflate", 1, cog.Options{Compression: cog.Deflate}, "other"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, pixels := large(b)
			d := *s.Description
			s.Description = &d
			if c.levels > 0 {
				d.Levels = d.Levels[:c.levels]
			}
			runtime.GC()
			start := time.Now()
			for range b.N {
				plan, err := cog.NewPlan(s, c.options)
				if c.codec != "" {
					plan, err = cog.NewTranscode(s, c.options)
				}
				must(b, err)
				x, err := plan.Prepare(background)
				must(b, err)
				must(b, x.Write(background, io.Discard))
				must(b, x.Close())
			}
			b.ReportMetric(float64(pixels)*float64(b.N)/1e6/time.Since(start).Seconds(), "MPix/s")
			b.ReportMetric(peakMiB(b), "MiB-peak")
		})
	}
}

// peakMiB is the most resident memory that this process ever had.
func peakMiB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib float64
			for _, digit := range strings.Fields(rest)[0] {
				kib = kib*10 + float64(digit-'0')
			}
			return kib / 1024
		}
	}
	return 0
}
