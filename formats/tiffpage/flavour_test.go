package tiffpage_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

func text(tag tiff.Tag, s string) tiff.Field { return tiff.TextField(tag, s) }

func short(tag tiff.Tag, v ...uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, v...) }

// TestFlavours walks the table of pims-api §5.2.
func TestFlavours(t *testing.T) {
	const description, software = tiff.ImageDescription, tiff.Software
	for _, c := range []struct {
		want   string
		fields []tiff.Field
	}{
		{"", nil},
		{"Aperio SVS", []tiff.Field{text(description, "Aperio Image Library v1\r\n…")}},
		{"", []tiff.Field{text(description, "Aperiodic")}},
		{"Hamamatsu NDPI", []tiff.Field{short(65420, 1), text(tiff.Make, "Hamamatsu")}},
		{"", []tiff.Field{short(65420, 1)}},
		{"Leica SCN", []tiff.Field{text(description, "<scn> … </scn>\n")}},
		{"Philips TIFF", []tiff.Field{text(software, "Philips DP v1.0"), text(description, "<DataObject></DataObject> \n")}},
		{"", []tiff.Field{text(software, "Philips DP v1.0")}},
		{"Ventana BIF", []tiff.Field{text(tiff.XMP, "<iScan/>"), text(description, "Label_Image")}},
		{"Ventana BIF", []tiff.Field{text(tiff.XMP, "<iScan/>"), text(software, "ScanOutputManager 1")}},
		{"", []tiff.Field{text(tiff.XMP, "<x/>")}},
		{"OME-TIFF", []tiff.Field{text(description, "<OME></OME>\n")}},
		{"OME-TIFF", []tiff.Field{text(description, "<ome:OME></ome:OME>")}},
		{"ImageJ TIFF", []tiff.Field{text(description, "ImageJ=1.53")}},
		{"Olympus SIS", []tiff.Field{short(33560, 1)}},
		{"Olympus SIS", []tiff.Field{short(33471, 1)}},
		{"Zeiss LSM", []tiff.Field{short(34412, 1)}},
		{"Olympus FluoView", []tiff.Field{short(34362, 1)}},
		{"MetaMorph STK", []tiff.Field{short(33628, 1)}},
		{"Molecular Dynamics GEL", []tiff.Field{short(33445, 1)}},
		{"", []tiff.Field{short(34735, 1, 1, 0, 0)}}, // GeoTIFF: a place on Earth makes no other pixels
		{"PerkinElmer QPI", []tiff.Field{text(software, "PerkinElmer-QPI")}},
		{"ScanImage TIFF", []tiff.Field{text(software, "SI.version = 1")}},
		{"ScanImage TIFF", []tiff.Field{text(description, "state.configPath")}},
		{"ScanImage TIFF", []tiff.Field{text(description, "frame\nscanimage.SI.x = 1")}},
	} {
		page := tiled(10, 10, c.fields...)
		file, _ := openTIFF(t, tiff.WriteOptions{}, page)
		got, err := tiffpage.FlavoursOf(context.Background(), file.First())
		if err != nil || got.String() != c.want {
			t.Errorf("%v: FlavoursOf = %q, %v; expected %q", c.fields, got, err, c.want)
		}
	}
}

func TestPhysicalSize(t *testing.T) {
	ratio := tiff.RatioField
	for name, c := range map[string]struct {
		fields []tiff.Field
		x, y   float64 // µm, 0 for none
	}{
		"centimetre":       {[]tiff.Field{short(tiff.ResolutionUnit, 3), ratio(tiff.XResolution, 40000, 1), ratio(tiff.YResolution, 20000, 1)}, 0.25, 0.5},
		"inch":             {[]tiff.Field{short(tiff.ResolutionUnit, 2), ratio(tiff.XResolution, 25400, 1), ratio(tiff.YResolution, 254, 10)}, 1, 1000},
		"unit none":        {[]tiff.Field{short(tiff.ResolutionUnit, 1), ratio(tiff.XResolution, 72, 1), ratio(tiff.YResolution, 72, 1)}, 0, 0},
		"no unit":          {[]tiff.Field{ratio(tiff.XResolution, 72, 1), ratio(tiff.YResolution, 72, 1)}, 0, 0},
		"zero":             {[]tiff.Field{short(tiff.ResolutionUnit, 3), ratio(tiff.XResolution, 0, 1), ratio(tiff.YResolution, 1, 0)}, 0, 0},
		"one missing":      {[]tiff.Field{short(tiff.ResolutionUnit, 3), ratio(tiff.YResolution, 10, 1)}, 0, 1000},
		"as whole numbers": {[]tiff.Field{short(tiff.ResolutionUnit, 3), short(tiff.XResolution, 10), short(tiff.YResolution, 20)}, 1000, 500},
	} {
		file, _ := openTIFF(t, tiff.WriteOptions{}, tiled(10, 10, c.fields...))
		x, y, err := tiffpage.PhysicalSize(context.Background(), file.First())
		if err != nil || value(x) != c.x || value(y) != c.y {
			t.Errorf("%s: PhysicalSize = %v, %v, %v; expected %v and %v", name, value(x), value(y), err, c.x, c.y)
		}
	}
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return math.Round(*p*1e9) / 1e9
}

func TestParseDateTime(t *testing.T) {
	for text, want := range map[string]string{
		"2019:03:04 05:06:07":   "2019-03-04T05:06:07",
		" 2019:03:04 05:06:07 ": "2019-03-04T05:06:07",
		"12/29/09 09:59:15":     "2009-12-29T09:59:15",
		"12/29/69 09:59:15":     "1969-12-29T09:59:15",
		"12/29/2021 09:59:15":   "2021-12-29T09:59:15",
		"29/12/09 09:59:15":     "",
		"2019-03-04T05:06:07":   "",
		"":                      "",
		"    :  :     :  :  ":   "",
	} {
		got := ""
		if at := tiffpage.ParseDateTime(text); at != nil {
			got = at.In(time.UTC).Format("2006-01-02T15:04:05")
		}
		if got != want {
			t.Errorf("ParseDateTime(%q) = %q, expected %q", text, got, want)
		}
	}
}

// TestRawMetadata has a row for every way in which PIMS prints a value.
func TestRawMetadata(t *testing.T) {
	page := formatstest.TIFFPage{Width: 20, Height: 10, Tile: 16, Samples: 4, Fields: []tiff.Field{
		short(tiff.ExtraSamples, 2), short(tiff.SampleFormat, 1, 1, 1, 1), tiff.RatioField(tiff.XResolution, 40000, 1),
		text(tiff.Software, " a program \n"), short(tiff.Orientation, 1), short(tiff.ResolutionUnit, 3),
		tiff.NumberField(tiff.NewSubfileType, tiff.Long, 0), tiff.DoubleField(65000, 0.5), tiff.DoubleField(65001, 1, 2.25, 1e-7),
		tiff.BytesField(65002, tiff.Undefined, []byte{1, 2, 3}), short(33000, 7), short(tiff.YCbCrSubSampling, 2, 2),
		tiff.BytesField(tiff.ICCProfile, tiff.Undefined, []byte{1, 2, 3}),
	}}
	file, _ := openTIFF(t, tiff.WriteOptions{BigEndian: true}, page)
	list, err := tiffpage.RawMetadata(context.Background(), file.First())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range list {
		if m.Namespace != "TIFF" {
			t.Errorf("%s has namespace %q", m.Key, m.Namespace)
		}
		got[m.Key] = fmt.Sprintf("%v %s", m.Value, m.TypeName())
	}
	want := map[string]string{
		"NewSubfileType": "UNDEFINED STRING", "ImageWidth": "20 INTEGER", "ImageLength": "10 INTEGER",
		"BitsPerSample": "(8, 8, 8, 8) UNKNOWN", "Compression": "NONE STRING", "PhotometricInterpretation": "RGB STRING",
		"Orientation": "TOPLEFT STRING", "SamplesPerPixel": "4 INTEGER", "XResolution": "(40000, 1) UNKNOWN",
		"ResolutionUnit": "CENTIMETER STRING", "Software": "a program STRING", "TileWidth": "16 INTEGER", "TileLength": "16 INTEGER",
		"ExtraSamples":     "(<EXTRASAMPLE.UNASSALPHA: 2>,) UNKNOWN",
		"SampleFormat":     "(<SAMPLEFORMAT.UINT: 1>, <SAMPLEFORMAT.UINT: 1>, <SAMPLEFORMAT.UINT: 1>, <SAMPLEFORMAT.UINT: 1>) UNKNOWN",
		"YCbCrSubSampling": "(2, 2) UNKNOWN", "33000": "7 INTEGER", "65000": "0.5 DECIMAL", "65001": "(1.0, 2.25, 1e-07) UNKNOWN",
	}
	for key, expected := range want {
		if got[key] != expected {
			t.Errorf("%s is %q, expected %q", key, got[key], expected)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s must not be shown (it is %q)", key, got[key])
		}
	}
}

// TestEncodings: what can be served in place, and what is refused with which code.
func TestEncodings(t *testing.T) {
	format := func(v uint64, n int) tiff.Field {
		values := make([]uint64, n)
		for i := range values {
			values[i] = v
		}
		return short(tiff.SampleFormat, values...)
	}
	type page = formatstest.TIFFPage
	for name, c := range map[string]struct {
		page      page
		pixelType pixel.Type
		colours   int
		alpha     bool
		code      string
	}{
		"grey 8":                {page{}, pixel.Uint8, 1, false, ""},
		"grey 16":               {page{Bits: 16}, pixel.Uint16, 1, false, ""},
		"grey 12, packed":       {page{Bits: 12}, pixel.Uint16, 1, false, ""},
		"bilevel":               {page{Bits: 1}, pixel.Uint8, 1, false, ""},
		"whole 32":              {page{Bits: 32}, pixel.Uint32, 1, false, ""},
		"signed 16":             {page{Bits: 16, Fields: []tiff.Field{format(2, 1)}}, pixel.Int16, 1, false, ""},
		"float":                 {page{Bits: 32, Fields: []tiff.Field{format(3, 1)}}, pixel.Float32, 1, false, ""},
		"double":                {page{Bits: 64, Fields: []tiff.Field{format(3, 1)}}, pixel.Float64, 1, false, ""},
		"half float":            {page{Bits: 16, Fields: []tiff.Field{format(3, 1)}}, 0, 0, false, "tiff-sample-type"},
		"complex":               {page{Bits: 64, Fields: []tiff.Field{format(6, 1)}}, 0, 0, false, "tiff-sample-type"},
		"whole 64":              {page{Bits: 64}, 0, 0, false, "tiff-sample-type"},
		"RGB":                   {page{Samples: 3}, pixel.Uint8, 3, false, ""},
		"RGB and alpha":         {page{Samples: 4, Fields: []tiff.Field{short(tiff.ExtraSamples, 2)}}, pixel.Uint8, 3, true, ""},
		"RGB and associated":    {page{Samples: 4, Fields: []tiff.Field{short(tiff.ExtraSamples, 1)}}, pixel.Uint8, 3, true, ""},
		"RGB and unspecified":   {page{Samples: 4, Fields: []tiff.Field{short(tiff.ExtraSamples, 0)}}, pixel.Uint8, 4, false, ""},
		"four undeclared":       {page{Samples: 4}, pixel.Uint8, 3, false, ""},
		"two undeclared":        {page{Samples: 2}, pixel.Uint8, 1, false, ""},
		"grey and alpha":        {page{Samples: 2, Fields: []tiff.Field{short(tiff.ExtraSamples, 2)}}, pixel.Uint8, 1, true, ""},
		"CMYK":                  {page{Samples: 4, Fields: []tiff.Field{short(tiff.PhotometricInterpretation, 5)}}, pixel.Uint8, 3, false, ""},
		"separate planes":       {page{Samples: 3, Planes: true}, 0, 0, false, "tiff-planar-separate"},
		"mixed bits":            {page{Samples: 3, Bits: 16, Fields: []tiff.Field{short(tiff.BitsPerSample, 16, 8, 8)}}, 0, 0, false, "tiff-mixed-samples"},
		"unknown compression":   {page{Fields: []tiff.Field{short(tiff.Compression, 34887)}}, 0, 0, false, "tiff-compression"},
		"CIELab":                {page{Samples: 3, Fields: []tiff.Field{short(tiff.PhotometricInterpretation, 8)}}, 0, 0, false, "tiff-photometric"},
		"RGB of one sample":     {page{Fields: []tiff.Field{short(tiff.PhotometricInterpretation, 2)}}, 0, 0, false, "tiff-samples"},
		"palette without one":   {page{Fields: []tiff.Field{short(tiff.PhotometricInterpretation, 3)}}, 0, 0, false, "tiff-palette"},
		"reversed bits":         {page{Fields: []tiff.Field{short(tiff.FillOrder, 2)}}, 0, 0, false, "tiff-fill-order"},
		"unknown predictor":     {page{Fields: []tiff.Field{short(tiff.Predictor, 9)}}, 0, 0, false, "tiff-predictor"},
		"JPEG of 12 bits":       {page{Bits: 12, Fields: []tiff.Field{short(tiff.Compression, 7)}}, 0, 0, false, "tiff-sample-type"},
		"Aperio 33003 with RGB": {page{Samples: 3, Fields: []tiff.Field{short(tiff.Compression, 33003)}}, pixel.Uint8, 3, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.page.Width, c.page.Height, c.page.Tile = 20, 10, 16
			file, _ := openTIFF(t, tiff.WriteOptions{}, c.page)
			p, err := tiffpage.ReadPage(context.Background(), file.First())
			if err != nil {
				t.Fatal(err)
			}
			encoding, err := p.Encoding(context.Background())
			if c.code != "" {
				if fault.CodeOf(err) != c.code || !formats.Structural(err) {
					t.Errorf("Encoding gives %v, expected %s", err, c.code)
				}
				return
			}
			if err != nil || encoding.PixelType != c.pixelType || encoding.Alpha != c.alpha || p.Colours() != c.colours {
				t.Errorf("Encoding = %+v, %v with %d colours; expected %s, alpha %v, %d colours", encoding, err, p.Colours(), c.pixelType, c.alpha, c.colours)
			}
		})
	}
}

// TestPaletteIsRGB: sixteen-bit columns become 8-bit triples.
func TestPaletteIsRGB(t *testing.T) {
	columns := make([]uint64, 3*256)
	columns[5], columns[256+5], columns[512+5] = 0xff00, 0x8000, 0x0100
	file, _ := openTIFF(t, tiff.WriteOptions{}, tiled(10, 10, short(tiff.PhotometricInterpretation, 3), short(tiff.ColorMap, columns...)))
	p, err := tiffpage.ReadPage(context.Background(), file.First())
	if err != nil {
		t.Fatal(err)
	}
	encoding, err := p.Encoding(context.Background())
	if err != nil || len(encoding.Palette) != 768 || [3]byte(encoding.Palette[15:18]) != [3]byte{0xff, 0x80, 0x01} || p.Colours() != 3 {
		t.Errorf("the palette of %d bytes, error %v, has the wrong colours", len(encoding.Palette), err)
	}
}
