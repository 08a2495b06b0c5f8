package svs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/tiff"
)

// page is an RGB page with a description; tile 0 makes a strip.
func page(width, height, tile int, description string, fields ...tiff.Field) formatstest.TIFFPage {
	if description != "" {
		fields = append(fields, tiff.TextField(tiff.ImageDescription, description))
	}
	return formatstest.TIFFPage{Width: width, Height: height, Tile: tile, Samples: 3, Fields: fields}
}

func subfile(v uint64) tiff.Field { return tiff.NumberField(tiff.NewSubfileType, tiff.Long, v) }

const head = "Aperio Image Library v12.0.15 \r\n"

// openMade opens a slide made of pages.
func openMade(t *testing.T, pages ...formatstest.TIFFPage) (formats.Image, *formats.Description) {
	t.Helper()
	image, err := svs.New().Open(context.Background(), formatstest.NewBundle(formatstest.TIFF(t, "made.svs", tiff.WriteOptions{}, pages...)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return image, d
}

// TestPagesAreSorted: which page is a level and which is what associated image.
func TestPagesAreSorted(t *testing.T) {
	type pages = []formatstest.TIFFPage
	base := page(800, 600, 64, head+"800x600 (64x64) JPEG/RGB Q=70|AppMag = 20")
	thumb := page(100, 75, 0, head+"800x600 -> 100x75 - |AppMag = 20")
	level := func(w, h int, f ...tiff.Field) formatstest.TIFFPage {
		return page(w, h, 64, head+"800x600 (64x64) -> less JPEG/RGB Q=70", f...)
	}
	label := page(40, 40, 0, "Aperio Image Library v12.0.15 \nlabel 40x40", subfile(1))
	macro := page(120, 40, 0, "Aperio Image Library v12.0.15 \nmacro 120x40", subfile(9))
	for name, c := range map[string]struct {
		pages      pages
		levels     string
		associated string
		depth      int
	}{
		"base alone":                        {pages{base}, "800x600", "", 1},
		"everything":                        {pages{base, thumb, level(200, 150), level(50, 38), label, macro}, "800x600 200x150 50x38", "thumb 100x75 label 40x40 macro 120x40", 1},
		"no thumbnail":                      {pages{base, level(200, 150), label, macro}, "800x600 200x150", "label 40x40 macro 120x40", 1},
		"label first":                       {pages{base, label, level(200, 150)}, "800x600 200x150", "label 40x40", 1},
		"levels out of order":               {pages{base, thumb, level(50, 38), level(200, 150)}, "800x600 200x150 50x38", "thumb 100x75", 1},
		"levels flagged as reduced":         {pages{base, thumb, level(200, 150, subfile(1))}, "800x600 200x150", "thumb 100x75", 1},
		"by NewSubfileType alone":           {pages{base, thumb, page(40, 40, 0, "", subfile(1)), page(120, 40, 0, "", subfile(9))}, "800x600", "thumb 100x75 label 40x40 macro 120x40", 1},
		"label with CR LF":                  {pages{base, thumb, page(40, 40, 0, head+"label 40x40")}, "800x600", "thumb 100x75 label 40x40", 1},
		"tiled macro":                       {pages{base, thumb, page(120, 40, 64, "Aperio Image Library v12 \nmacro 120x40", subfile(9))}, "800x600", "thumb 100x75 macro 120x40", 1},
		"tiled page of another proportion":  {pages{base, thumb, level(300, 300)}, "800x600", "thumb 100x75", 1},
		"tiled page larger than the first":  {pages{base, thumb, level(1600, 1200)}, "800x600", "thumb 100x75", 1},
		"two labels":                        {pages{base, thumb, label, page(50, 50, 0, "Aperio \nlabel 50x50")}, "800x600", "thumb 100x75 label 40x40", 1},
		"two focal planes":                  {pages{base, thumb, level(200, 150), level(800, 600), level(200, 150)}, "800x600 200x150", "thumb 100x75", 2},
		"a focal plane without its level":   {pages{base, thumb, level(200, 150), level(800, 600)}, "800x600 200x150", "thumb 100x75", 1},
		"untiled page that nobody can name": {pages{base, thumb, page(30, 30, 0, "")}, "800x600", "thumb 100x75", 1},
	} {
		t.Run(name, func(t *testing.T) {
			image, d := openMade(t, c.pages...)
			var levels, associated []string
			for _, l := range d.Levels {
				levels = append(levels, fmt.Sprintf("%dx%d", l.Width, l.Height))
			}
			list, err := image.(formats.AssociatedImages).Associated(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				associated = append(associated, fmt.Sprintf("%s %dx%d", a.Name, a.Width, a.Height))
			}
			if got := strings.Join(levels, " "); got != c.levels || d.Depth != c.depth {
				t.Errorf("levels are %s, depth %d; expected %s, depth %d", got, d.Depth, c.levels, c.depth)
			}
			if got := strings.Join(associated, " "); got != c.associated {
				t.Errorf("associated images are %q, expected %q", got, c.associated)
			}
		})
	}
}

// TestFocalPlanesAreDistinct: each plane has tiles of its own.
func TestFocalPlanesAreDistinct(t *testing.T) {
	base := page(100, 100, 64, head+"100x100")
	image, d := openMade(t, base, page(100, 100, 64, ""))
	locator := image.(formats.TileLocator)
	first, err := locator.Locate(context.Background(), 0, formats.Plane{}, 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	second, err := locator.Locate(context.Background(), 0, formats.Plane{Z: 1}, 0, 4)
	if err != nil || d.Depth != 2 || first[0] == second[0] {
		t.Errorf("depth %d, planes at %+v and %+v, %v; expected two different ones", d.Depth, first, second, err)
	}
}

// TestDescriptions: what the keys of the description become.
func TestDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		text                string
		mpp, power, at, key string
	}{
		"two-digit year":   {head + "x|Date = 12/29/09|Time = 09:59:15|MPP = 0.4990|AppMag = 20", "0.499", "20", "2009-12-29 09:59:15", "Aperio Image Library=v12.0.15"},
		"ISO date":         {"Aperio Leica Biosystems GT450 v1.0.1 \r\nx|Date = 2020-02-05T15:52:01Z|MPP = 0.2631|AppMag = 40", "0.2631", "40", "2020-02-05 15:52:01", "Aperio Leica Biosystems GT450=v1.0.1"},
		"date alone":       {head + "x|Date = 12/29/09", "", "", "", "Date=12/29/09"},
		"no keys":          {"Aperio Image Library v1", "", "", "", "Aperio Image Library=v1"},
		"nonsense numbers": {head + "x|MPP = unknown|AppMag = -1", "", "", "", "MPP=unknown"},
		"not a number":     {head + "x|MPP = nan|AppMag = inf", "", "", "", "MPP=nan"},
		"twice":            {head + "x|OriginalWidth = 46920|OriginalWidth = 46000", "", "", "", "OriginalWidth=46000"},
		"equals in value":  {head + "x|Title = a=b", "", "", "", "Title=a=b"},
		"empty pieces":     {head + "x||=|junk|MPP = 0.5", "0.5", "", "", "MPP=0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			image, d := openMade(t, page(100, 100, 64, c.text))
			number := func(v *float64) string {
				if v == nil {
					return ""
				}
				return fmt.Sprint(*v)
			}
			at := ""
			if d.AcquiredAt != nil {
				at = d.AcquiredAt.Format("2006-01-02 15:04:05")
			}
			if number(d.PhysicalSizeX) != c.mpp || number(d.PhysicalSizeY) != c.mpp || number(d.NominalMagnification) != c.power || at != c.at {
				t.Errorf("MPP %q, AppMag %q, acquired %q; expected %q, %q, %q", number(d.PhysicalSizeX), number(d.NominalMagnification), at, c.mpp, c.power, c.at)
			}
			list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, m := range list {
				if m.Namespace == "APERIO" {
					all = append(all, fmt.Sprintf("%s=%v", m.Key, m.Value))
				}
			}
			if !strings.Contains("|"+strings.Join(all, "|")+"|", "|"+c.key+"|") {
				t.Errorf("APERIO metadata are %q, expected one to be %q", all, c.key)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		page formatstest.TIFFPage
		code string
	}{
		"in strips":       {page(100, 100, 0, head), "svs-not-tiled"},
		"volumes":         {page(100, 100, 64, head, tiff.NumberField(tiff.ImageDepth, tiff.Short, 3)), "svs-image-depth"},
		"separate planes": {formatstest.TIFFPage{Width: 100, Height: 100, Tile: 64, Samples: 3, Planes: true, Fields: []tiff.Field{tiff.TextField(tiff.ImageDescription, head)}}, "tiff-planar-separate"},
	} {
		_, err := svs.New().Open(context.Background(), formatstest.NewBundle(formatstest.TIFF(t, "made.svs", tiff.WriteOptions{}, c.page)))
		if fault.CodeOf(err) != c.code || fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s: Open gives %v, expected %s of kind unsupported", name, err, c.code)
		}
	}
}

// TestMissingPictureIsNotFound: what is not listed is not there.
func TestMissingPictureIsNotFound(t *testing.T) {
	image, _ := openMade(t, page(100, 100, 64, head))
	if _, err := image.(formats.AssociatedImages).ReadAssociated(context.Background(), formats.AssociatedMacro); fault.KindOf(err) != fault.NotFound {
		t.Errorf("ReadAssociated gives %v, expected kind not-found", err)
	}
}
