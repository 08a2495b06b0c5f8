package formats_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// byHeader is a format that accepts what begins with its magic.
type byHeader struct {
	info  formats.Info
	magic string
}

func (f byHeader) Info() formats.Info { return f.info }

func (f byHeader) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	return formats.Match{OK: strings.HasPrefix(string(c.Header()), f.magic), Why: "it begins with " + f.magic}, nil
}

func (f byHeader) Open(context.Context, source.Bundle) (formats.Image, error) {
	return nil, fault.New(fault.Unsupported, "not-to-be-opened", "this format is for tests of the registry")
}

func format(id, plugin, magic string) formats.Format {
	return byHeader{info: formats.Info{ID: id, Plugin: plugin}, magic: magic}
}

func ids(r *formats.Registry) string {
	var out []string
	for _, f := range r.Formats() {
		out = append(out, f.Info().ID+"@"+f.Info().Plugin)
	}
	return strings.Join(out, " ")
}

func TestOrderOfFormats(t *testing.T) {
	fs := []formats.Format{format("ZZZ", "pims", ""), format("AAA", "pims", ""), format("MMM", "pims_format_extra", ""), format("AAA", "pims-format-other", "")}
	for name, c := range map[string]struct{ csv, want string }{
		"no file":               {"", "AAA@pims MMM@pims_format_extra ZZZ@pims"},
		"header only":           {"name,resolution_order\n", "AAA@pims MMM@pims_format_extra ZZZ@pims"},
		"a plugin later":        {"name,resolution_order\npims_format_extra,2\n", "AAA@pims ZZZ@pims MMM@pims_format_extra"},
		"a plugin earlier":      {"name,resolution_order\npims_format_extra,-1\n", "MMM@pims_format_extra AAA@pims ZZZ@pims"},
		"dashes and case":       {"name,resolution_order\nPIMS-Format-Extra,-1\n", "MMM@pims_format_extra AAA@pims ZZZ@pims"},
		"a plugin replaces":     {"name,resolution_order\npims_format_other,-1\n", "AAA@pims-format-other MMM@pims_format_extra ZZZ@pims"},
		"an ID before a plugin": {"name,resolution_order\nzzz,-5\npims,3\n", "ZZZ@pims AAA@pims-format-other MMM@pims_format_extra"},
		"columns swapped":       {"resolution_order,name\n2,aaa\n", "MMM@pims_format_extra ZZZ@pims AAA@pims"},
		"mark, comment, spaces": {"\ufeffname, resolution_order\n# comment\n pims_format_extra , -1 \n\n", "MMM@pims_format_extra AAA@pims ZZZ@pims"},
		"unknown names":         {"name,resolution_order\nnobody,1\n", "AAA@pims MMM@pims_format_extra ZZZ@pims"},
	} {
		order, err := formats.ParseResolutionOrder(strings.NewReader(c.csv))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := ids(formats.NewRegistry(fs, order)); got != c.want {
			t.Errorf("%s: formats are asked in the order %s, expected %s", name, got, c.want)
		}
	}
}

func TestBadResolutionFilesAreNamedByLine(t *testing.T) {
	for csv, want := range map[string]string{
		"format,order\n":                                  "line 1",
		"name,resolution_order\na,1\nb,high\n":            `line 3 of the resolution order file is "b,high"`,
		"name,resolution_order\na\n":                      "line 2",
		"name,resolution_order\n,1\n":                     "the name is empty",
		"name,resolution_order\na,1\n\nA,2\n":             "line 4",
		"name,resolution_order\na,1\n\"b,1\n":             "not CSV",
		"name,resolution_order\na,99999999999999999999\n": "whole number",
	} {
		_, err := formats.ParseResolutionOrder(strings.NewReader(csv))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), want) {
			t.Errorf("%q gives %v, expected kind invalid with %q", csv, err, want)
		}
	}
}

func TestByIDKnowsNoCase(t *testing.T) {
	r := formats.NewRegistry([]formats.Format{format("SVS", "pims", "")}, formats.ResolutionOrder{})
	if f, ok := r.ByID("svs"); !ok || f.Info().ID != "SVS" {
		t.Error(`ByID("svs") does not find SVS`)
	}
	if _, ok := r.ByID("NDPI"); ok {
		t.Error("ByID finds what is not there")
	}
}

func candidate(t *testing.T, data string) *formats.Candidate {
	t.Helper()
	c, err := formats.NewCandidate(context.Background(), formatstest.NewBundle(formatstest.File{Name: "file", Data: []byte(data)}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFirstFormatInOrderWins(t *testing.T) {
	r := formats.NewRegistry([]formats.Format{format("B", "pims", "xy"), format("A", "pims", "x")}, formats.ResolutionOrder{})
	f, match, err := r.Detect(context.Background(), candidate(t, "xyz"))
	if err != nil || f.Info().ID != "A" || !match.OK {
		t.Errorf("Detect = %v, %+v, %v; expected A", f, match, err)
	}
}

// TestUnknownFilesAreDescribed: the sentence says what the file looks like.
func TestUnknownFilesAreDescribed(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	dicom := make([]byte, 200)
	copy(dicom[128:], "DICM")
	r := formats.NewRegistry(nil, formats.ResolutionOrder{})
	for data, want := range map[string]string{
		"": "an empty file", "\xff\xd8\xff\xe0": "a JPEG image", "\x89PNG\r\n\x1a\n": "a PNG image", "GIF89a": "a GIF image",
		"\x00\x00\x00\x0cjP  \r\n\x87\n": "a JPEG 2000 image", "\xff\x4f\xff\x51": "a JPEG 2000 codestream",
		"RIFF\x00\x00\x00\x00WEBPVP8 ": "a WebP image", "RIFF\x00\x00\x00\x00WAVEfmt ": "a RIFF file",
		"BM\x00": "a BMP image", "P6\n1 1 255\n": "a PPM image", "ZISRAWFILE": "a Zeiss CZI slide",
		string(dicom): "a DICOM file", string(tar): "a tar archive", "PK\x03\x04": "a zip archive", "%PDF-1.7": "a PDF document",
		"SQLite format 3\x00": "an SQLite database", "<?xml version='1.0'?>": "an XML file", `{"schema":"virtual/stack"}`: "a JSON file",
		"<!DOCTYPE html>": "an HTML page", "hello": "a text file", "\xef\xbb\xbfgrüße": "a text file", "\x01\x02\x03": "binary data",
		"II*\x00": "a TIFF file", "MM\x00+": "a BigTIFF file", "II is a number": "a text file", "\x00\x00\x00\x1cftypavif\x00\x00": "an AVIF image",
	} {
		_, _, err := r.Detect(context.Background(), candidate(t, data))
		if fault.KindOf(err) != fault.Unsupported || fault.CodeOf(err) != "no-matching-format" || !strings.Contains(fault.Sentence(err), want) {
			t.Errorf("%.20q gives %v, expected no-matching-format with %q", data, err, want)
		}
	}
}

// TestSlidesThatAreNotReadYetHaveAWayOut: who has such a file learns whose it
// is and what to do with it; who has no slide at all is not told to export it.
func TestSlidesThatAreNotReadYetHaveAWayOut(t *testing.T) {
	r := formats.NewRegistry(nil, formats.ResolutionOrder{})
	tiff := string(formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, formatstest.TIFFPage{Width: 10, Height: 10}).Data)
	for data, want := range map[string]bool{"ZISRAWFILE": true, "\xda\xce\xbe\x0a": true, tiff: true, "hello": false, "%PDF-1.7": false} {
		_, _, err := r.Detect(context.Background(), candidate(t, data))
		if got := strings.Contains(fault.Sentence(err), "export it as OME-TIFF"); got != want {
			t.Errorf("%.10q: tells to export it is %v, expected %v: %s", data, got, want, fault.Sentence(err))
		}
	}
}

// TestReadFailureIsNoVerdict: a store that is busy must not make a slide
// unrecognised.
func TestReadFailureIsNoVerdict(t *testing.T) {
	file := formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, formatstest.TIFFPage{Width: 10, Height: 10})
	bundle := formatstest.NewBundle(file).FailAt(0)
	if _, err := formats.NewCandidate(context.Background(), bundle); fault.KindOf(err) != fault.Busy {
		t.Errorf("NewCandidate gives %v, expected kind busy", err)
	}
	bundle.FailAt(1)
	c, err := formats.NewCandidate(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	bundle.Reset()
	bundle.FailAt(0)
	if _, err := c.TIFF(context.Background()); fault.KindOf(err) != fault.Busy {
		t.Errorf("TIFF gives %v, expected kind busy", err)
	}
	bundle.FailAt(-1)
	first, err := c.TIFF(context.Background())
	if err != nil {
		t.Fatalf("TIFF after a failed read gives %v, expected it to try again", err)
	}
	bundle.Reset()
	if second, err := c.TIFF(context.Background()); err != nil || second != first || len(bundle.Reads()) != 0 {
		t.Errorf("a second TIFF reads again (%v) or gives another structure, %v", bundle.Reads(), err)
	}
}

func TestMetadataTypes(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{true, "BOOLEAN"}, {int64(1), "INTEGER"}, {1.5, "DECIMAL"}, {map[string]any{"a": 1}, "JSON"}, {[]any{1}, "LIST"},
		{time.Now(), "DATETIME"}, {"text", "STRING"}, {nil, "UNKNOWN"}, {struct{}{}, "UNKNOWN"},
	} {
		if got := formats.MetadataType(c.value); got != c.want {
			t.Errorf("MetadataType(%T) = %s, expected %s", c.value, got, c.want)
		}
	}
	if got := (formats.Metadatum{Value: "(1, 2)", Type: "UNKNOWN"}).TypeName(); got != "UNKNOWN" {
		t.Errorf("a given type is shown as %s", got)
	}
}

func TestParseScalar(t *testing.T) {
	for text, want := range map[string]any{
		"20": int64(20), "-3": int64(-3), "+5": int64(5), "007": int64(7), "0.4990": 0.499, "1e3": 1000.0, ".5": 0.5,
		"true": true, "False": false, "nan": "nan", "inf": "inf", "0x10": "0x10", "1_000": "1_000", "": "", "12/29/09": "12/29/09",
		"v1.2.3": "v1.2.3", "e": "e", "-": "-", "99999999999999999999": 1e20, "1e999": "1e999",
	} {
		if got := formats.ParseScalar(text); !reflect.DeepEqual(got, want) {
			t.Errorf("ParseScalar(%q) = %s, expected %s", text, fmt.Sprintf("%T %v", got, got), fmt.Sprintf("%T %v", want, want))
		}
	}
}
