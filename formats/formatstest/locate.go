package formatstest

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

func checkLocator(t *testing.T, bundle *Bundle, locator formats.TileLocator, d *formats.Description) {
	t.Helper()
	ctx := context.Background()
	names, _ := bundle.Names(ctx)
	sizes := make([]int64, len(locator.Sources()))
	for i, name := range locator.Sources() {
		if !slices.Contains(names, name) {
			t.Fatalf("tiles lie in %q, which is not among the bundle's %v", name, names)
		}
		r, err := bundle.Open(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		sizes[i] = r.Size()
	}
	checkEncodings(t, locator.Encodings(), d)
	for level := range d.Levels {
		for number := range d.Planes() {
			plane := formats.Plane{
				C: number % d.ConcreteChannels,
				Z: number / d.ConcreteChannels % d.Depth,
				T: number / d.ConcreteChannels / d.Depth,
			}
			checkPlane(t, locator, level, plane, d.Levels[level].Tiles(), sizes)
		}
	}
	checkRefusals(t, locator, d)
}

func checkEncodings(t *testing.T, encodings []formats.Encoding, d *formats.Description) {
	t.Helper()
	for i, l := range d.Levels {
		if l.Encoding < 0 || l.Encoding >= len(encodings) {
			t.Fatalf("level %d has encoding %d; there are %d", i, l.Encoding, len(encodings))
		}
		e := encodings[l.Encoding]
		if e.Codec == "" || e.Photometric == "" || e.Samples < 1 || e.BitsPerSample < 1 {
			t.Errorf("encoding %d is incomplete: %+v", l.Encoding, e)
		}
		if e.PixelType != d.PixelType {
			t.Errorf("tiles of level %d have type %s, the slide %s", i, e.PixelType, d.PixelType)
		}
	}
	for i, a := range encodings {
		for j, b := range encodings[:i] {
			if reflect.DeepEqual(a, b) {
				t.Errorf("encodings %d and %d are the same", j, i)
			}
		}
	}
}

// checkPlane locates all tiles at once, and again in parts of uneven size.
func checkPlane(t *testing.T, locator formats.TileLocator, level int, plane formats.Plane, tiles int, sizes []int64) {
	t.Helper()
	ctx := context.Background()
	whole, err := locator.Locate(ctx, level, plane, 0, tiles)
	if err != nil {
		t.Fatalf("Locate(level %d, %+v, all %d tiles): %v", level, plane, tiles, err)
	}
	if len(whole) != tiles {
		t.Fatalf("Locate gave %d extents, %d were asked for", len(whole), tiles)
	}
	for i, e := range whole {
		switch {
		case e.Blank && (e.Length != 0 || e.Offset != 0):
			t.Errorf("tile %d of level %d is blank and has bytes: %+v", i, level, e)
		case e.Blank:
		case e.Source < 0 || e.Source >= len(sizes) || e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > sizes[e.Source]:
			t.Errorf("tile %d of level %d does not lie in its source: %+v", i, level, e)
		}
	}
	var parts []formats.Extent
	for step := 1; len(parts) < tiles; step = step*2 + 1 {
		count := min(step, tiles-len(parts))
		part, err := locator.Locate(ctx, level, plane, len(parts), count)
		if err != nil {
			t.Fatalf("Locate(level %d, %+v, %d, %d): %v", level, plane, len(parts), count, err)
		}
		parts = append(parts, part...)
	}
	if !slices.Equal(whole, parts) {
		t.Errorf("level %d, %+v: extents asked for in parts differ from all at once", level, plane)
	}
}

// checkRefusals: what does not exist is refused as kind Invalid.
func checkRefusals(t *testing.T, locator formats.TileLocator, d *formats.Description) {
	t.Helper()
	tiles := d.Levels[0].Tiles()
	for name, err := range map[string]error{
		"level -1":          locate(locator, -1, formats.Plane{}, 0, 1),
		"level past last":   locate(locator, len(d.Levels), formats.Plane{}, 0, 1),
		"plane past last":   locate(locator, 0, formats.Plane{Z: d.Depth}, 0, 1),
		"channel past last": locate(locator, 0, formats.Plane{C: d.ConcreteChannels}, 0, 1),
		"frame past last":   locate(locator, 0, formats.Plane{T: d.Duration}, 0, 1),
		"tile past last":    locate(locator, 0, formats.Plane{}, tiles, 1),
		"negative tile":     locate(locator, 0, formats.Plane{}, -1, 1),
		"negative count":    locate(locator, 0, formats.Plane{}, 0, -1),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("locating %s gives %v, expected kind invalid", name, err)
		}
	}
}

func locate(locator formats.TileLocator, level int, plane formats.Plane, first, count int) error {
	_, err := locator.Locate(context.Background(), level, plane, first, count)
	return err
}

func checkMetadata(t *testing.T, image formats.Image) {
	t.Helper()
	holder, ok := image.(formats.RawMetadata)
	if !ok {
		return
	}
	list, err := holder.RawMetadata(context.Background())
	if err != nil {
		t.Fatalf("RawMetadata: %v", err)
	}
	known := []string{
		formats.TypeBoolean, formats.TypeInteger, formats.TypeDecimal, formats.TypeJSON, formats.TypeList,
		formats.TypeDateTime, formats.TypeDate, formats.TypeTime, formats.TypeString, formats.TypeUnknown,
	}
	for _, m := range list {
		if m.Key == "" || m.Namespace != strings.ToUpper(m.Namespace) {
			t.Errorf("metadatum %+v has no key, or a namespace not in capitals", m)
		}
		if !slices.Contains(known, m.TypeName()) {
			t.Errorf("%s.%s has type %q, which is none of PIMS'", m.Namespace, m.Key, m.TypeName())
		}
		if m.Type == "" && formats.MetadataType(m.Value) == formats.TypeUnknown {
			t.Errorf("%s.%s has a value of Go type %T, which the contract does not allow", m.Namespace, m.Key, m.Value)
		}
		if _, err := json.Marshal(m.Value); err != nil {
			t.Errorf("%s.%s cannot be written as JSON: %v", m.Namespace, m.Key, err)
		}
	}
}

// checkConcurrency runs everything from several goroutines; the race detector
// does the rest.
func checkConcurrency(t *testing.T, image formats.Image) {
	t.Helper()
	ctx := context.Background()
	want, err := image.Describe(ctx)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := image.Describe(ctx)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Describe beside others = %+v, %v; expected %+v", got, err, want)
			}
			if locator, ok := image.(formats.TileLocator); ok {
				for level, l := range want.Levels {
					if err := locate(locator, level, formats.Plane{}, l.Tiles()-1, 1); err != nil {
						t.Errorf("Locate beside others: %v", err)
					}
				}
			}
			if holder, ok := image.(formats.RawMetadata); ok {
				if _, err := holder.RawMetadata(ctx); err != nil {
					t.Errorf("RawMetadata beside others: %v", err)
				}
			}
		})
	}
	group.Wait()
}
