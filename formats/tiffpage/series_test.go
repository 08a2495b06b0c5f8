package tiffpage_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

func tiled(width, height int, fields ...tiff.Field) formatstest.TIFFPage {
	return formatstest.TIFFPage{Width: width, Height: height, Tile: 64, Fields: fields}
}

func reduced() tiff.Field { return tiff.NumberField(tiff.NewSubfileType, tiff.Long, 1) }

// openTIFF makes and opens a file.
func openTIFF(t *testing.T, o tiff.WriteOptions, pages ...formatstest.TIFFPage) (*tiff.File, source.Reader) {
	t.Helper()
	bundle := formatstest.NewBundle(formatstest.TIFF(t, "made.tif", o, pages...))
	file, reader, err := tiffpage.Open(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	return file, reader
}

// TestSeries: what is one image and what is not (pims-api §5.2). Expected is
// the number of levels of every image.
func TestSeries(t *testing.T) {
	type page = formatstest.TIFFPage
	for name, c := range map[string]struct {
		pages []page
		want  []int
	}{
		"one page":                         {[]page{tiled(200, 100)}, []int{1}},
		"halves":                           {[]page{tiled(200, 100), tiled(100, 50), tiled(50, 25)}, []int{3}},
		"thirds":                           {[]page{tiled(300, 150), tiled(100, 50)}, []int{2}},
		"quarters":                         {[]page{tiled(400, 200), tiled(100, 50), tiled(25, 13)}, []int{3}},
		"rounded down":                     {[]page{tiled(201, 101), tiled(100, 50)}, []int{2}},
		"rounded up":                       {[]page{tiled(201, 101), tiled(101, 51)}, []int{2}},
		"off by a whole pixel":             {[]page{tiled(200, 100), tiled(101, 50)}, []int{1, 1}},
		"fifth without the flag":           {[]page{tiled(500, 250), tiled(100, 50)}, []int{1, 1}},
		"fifth with the flag":              {[]page{tiled(500, 250), tiled(100, 50, reduced())}, []int{2}},
		"flagged, but of other proportion": {[]page{tiled(500, 250), tiled(100, 100, reduced())}, []int{1, 1}},
		"other number of samples":          {[]page{tiled(200, 100), {Width: 100, Height: 50, Tile: 64, Samples: 3}}, []int{1, 1}},
		"other bits":                       {[]page{tiled(200, 100), {Width: 100, Height: 50, Tile: 64, Bits: 16}}, []int{1, 1}},
		"an unrelated page behind":         {[]page{tiled(200, 100), tiled(100, 50), tiled(90, 90)}, []int{2, 1}},
		"an unrelated page between":        {[]page{tiled(200, 100), tiled(90, 90), tiled(100, 50)}, []int{2, 1}},
		"growing":                          {[]page{tiled(100, 50), tiled(200, 100)}, []int{1, 1}},
		"levels in SubIFDs":                {[]page{{Width: 200, Height: 100, Tile: 64, SubIFDs: []page{tiled(100, 50), tiled(50, 25)}}}, []int{3}},
		"an unrelated SubIFD":              {[]page{{Width: 200, Height: 100, Tile: 64, SubIFDs: []page{tiled(90, 90), tiled(45, 45)}}}, []int{1, 1, 1}},
		"single pixels":                    {[]page{tiled(2, 1), tiled(1, 1)}, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := openTIFF(t, tiff.WriteOptions{}, c.pages...)
			series, err := tiffpage.ReadSeries(context.Background(), file)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]int, len(series))
			for i, s := range series {
				got[i] = len(s.Levels)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("images have %v levels, expected %v", got, c.want)
			}
		})
	}
}

// TestAlikePagesArePlanes: a stack of pages is one level with several planes.
func TestAlikePagesArePlanes(t *testing.T) {
	file, _ := openTIFF(t, tiff.WriteOptions{}, tiled(200, 100), tiled(100, 50), tiled(200, 100), tiled(100, 50))
	series, err := tiffpage.ReadSeries(context.Background(), file)
	if err != nil || len(series) != 1 || len(series[0].Levels) != 2 || len(series[0].Levels[1]) != 2 {
		t.Fatalf("ReadSeries = %+v, %v; expected one image of two levels of two planes", series, err)
	}
	pyramid, err := tiffpage.NewPyramid(context.Background(), "made.tif", series[0].Levels)
	if err != nil || pyramid.Planes() != 2 {
		t.Fatalf("NewPyramid gives %v planes, %v; expected 2", pyramid.Planes(), err)
	}
}

// TestCollectionIsNoPyramid: reading stops at 64 kinds of page.
func TestCollectionIsNoPyramid(t *testing.T) {
	var pages []formatstest.TIFFPage
	for i := range 100 {
		pages = append(pages, tiled(10+i, 7))
	}
	file, _ := openTIFF(t, tiff.WriteOptions{}, pages...)
	if _, err := tiffpage.ReadSeries(context.Background(), file); !tiffpage.TooMany(err) {
		t.Errorf("ReadSeries gives %v, expected tiff-many-series", err)
	}
}
