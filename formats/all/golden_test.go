package all_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// goldenFolder is the collection of PIMS' recorded answers, beside testdata.
func goldenFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(testfiles.Root(t), "..", "shared", "pims-golden")
	if base := os.Getenv("SHARED_TESTDATA"); base != "" {
		folder = filepath.Join(filepath.Dir(base), "pims-golden")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the recorded answers of ../shared/pims-golden are not here")
	}
	return folder
}

// goldenCase is one recorded answer.
type goldenCase struct {
	ID          string   `json:"id"`
	Group       string   `json:"group"`
	Image       string   `json:"image"`
	Path        string   `json:"path"`
	Defect      bool     `json:"defect"`
	DefectPaths []string `json:"defect_paths"`
	Expect      struct {
		Status int             `json:"status"`
		JSON   json.RawMessage `json:"json"`
		File   string          `json:"file"`
	} `json:"expect"`
}

// body is the recorded JSON, from the line or from its file.
func (c goldenCase) body(t *testing.T, folder string) map[string]any {
	t.Helper()
	raw := []byte(c.Expect.JSON)
	if c.Expect.File != "" {
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(c.Expect.File)))
		if err != nil {
			t.Fatal(err)
		}
		raw = data
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s: %v", c.ID, err)
	}
	return out
}

func goldenCases(t *testing.T, folder string) []goldenCase {
	t.Helper()
	file, err := os.Open(filepath.Join(folder, "cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []goldenCase
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c goldenCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Expect.Status == 200 && !c.Defect {
			out = append(out, c)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// opened is a slide of the collection with what it says of itself; image is nil when no
// format accepts it.
type opened struct {
	image       formats.Image
	description *formats.Description
}

func openGoldens(t *testing.T, folder string) map[string]opened {
	t.Helper()
	var list struct {
		Images []struct{ Name, Path string }
	}
	data, err := os.ReadFile(filepath.Join(folder, "images.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	registry := formats.NewRegistry(all.Formats(), formats.ResolutionOrder{})
	out := map[string]opened{}
	for _, entry := range list.Images {
		if entry.Path == "" {
			continue // archives
		}
		bundle := formatstest.NewBundle(formatstest.Load(t, filepath.Join(folder, filepath.FromSlash(entry.Path))))
		candidate, err := formats.NewCandidate(ctx, bundle)
		if err != nil {
			t.Fatal(err)
		}
		format, _, err := registry.Detect(ctx, candidate)
		if err != nil {
			out[entry.Name] = opened{}
			continue
		}
		image, err := format.Open(ctx, bundle)
		if err != nil {
			t.Fatalf("%s: %v", entry.Name, err)
		}
		description, err := image.Describe(ctx)
		if err != nil {
			t.Fatalf("%s: %v", entry.Name, err)
		}
		out[entry.Name] = opened{image, description}
	}
	return out
}

// TestAnswersArePIMS compares what the formats say with PIMS' recorded answers.
func TestAnswersArePIMS(t *testing.T) {
	folder := goldenFolder(t)
	slides := openGoldens(t, folder)
	var own []string
	for _, f := range all.Formats() {
		own = append(own, f.Info().ID)
	}
	compared := map[string]int{}
	for _, c := range goldenCases(t, folder) {
		slide, known := slides[c.Image]
		if !known {
			continue
		}
		if c.Group == "info-image" {
			want := c.body(t, folder)["original_format"].(string)
			got := ""
			if slide.image != nil {
				got = slide.description.Format
			}
			if slices.Contains(own, want) != (got != "") || got != "" && got != want {
				t.Errorf("%s is %q, PIMS says %q", c.Image, got, want)
			}
		}
		if slide.image == nil {
			continue
		}
		view, ok := map[string]func(opened) any{
			"info-image":      infoImage,
			"info-channels":   func(s opened) any { return collection(channels(s)) },
			"info-instrument": instrument,
			"info-associated": func(s opened) any { return collection(associated(t, s)) },
			"info":            func(s opened) any { return info(t, s) },
			"metadata":        func(s opened) any { return metadata(t, s) },
			"representations": pyramid,
		}[c.Group]
		if !ok {
			continue
		}
		if c.Group == "representations" && !hasPyramid(c.body(t, folder)) {
			continue
		}
		compared[c.Group]++
		body, ours := c.body(t, folder), asJSON(t, view(slide))
		if c.Image == "cmyk-jpg" {
			// PIMS counts four inks and then cannot tell their colours: a 500 for
			// /info. Ink is shown as RGB, so three channels can be asked for.
			c.DefectPaths = append(c.DefectPaths, "n_channels", "n_samples")
		}
		for _, path := range c.DefectPaths {
			forget(body, path)
			forget(ours, path)
		}
		want := reduce(c, body)
		if diff := cmp.Diff(want, ours, cmp.Comparer(nearlyEqual)); diff != "" {
			t.Errorf("%s (-PIMS +ours):\n%s", c.ID, diff)
		}
	}
	for _, group := range []string{"info-image", "info-channels", "info-instrument", "info-associated", "info", "metadata", "representations"} {
		if compared[group] == 0 {
			t.Errorf("no recorded answer of group %s was compared", group)
		}
	}
}

// hasPyramid: of a plain image only the spatial representation is told with one.
func hasPyramid(body map[string]any) bool {
	if items, ok := body["items"].([]any); ok {
		body, _ = items[len(items)-1].(map[string]any)
	}
	return body["pyramid"] != nil
}

// forget takes the value at a dotted path out of a JSON object: PIMS' recorded
// one is wrong.
func forget(body any, path string) {
	object, ok := body.(map[string]any)
	if !ok {
		return
	}
	first, rest, deeper := strings.Cut(path, ".")
	if deeper {
		forget(object[first], rest)
		return
	}
	delete(object, first)
}

func nearlyEqual(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a)) }

// reduce leaves out of a recorded answer what formats do not decide.
func reduce(c goldenCase, body map[string]any) any {
	switch c.Group {
	case "info":
		delete(body, "representations")
	case "metadata":
		delete(body, "size")
		byKey := map[string]any{}
		for _, item := range body["items"].([]any) {
			m := item.(map[string]any)
			byKey[fmt.Sprint(m["namespace"], ".", m["key"])] = []any{m["value"], m["type"]}
		}
		return byKey
	case "representations":
		if items, ok := body["items"].([]any); ok {
			body = items[len(items)-1].(map[string]any)
		}
		return body["pyramid"]
	}
	return body
}

func asJSON(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func collection(items []any) any { return map[string]any{"items": items, "size": len(items)} }

func infoImage(s opened) any {
	d := s.description
	var at any
	if d.AcquiredAt != nil {
		at = d.AcquiredAt.Format("2006-01-02T15:04:05")
	}
	return map[string]any{
		"original_format": d.Format, "width": d.Width, "height": d.Height, "depth": d.Depth, "duration": d.Duration,
		"physical_size_x": d.PhysicalSizeX, "physical_size_y": d.PhysicalSizeY, "physical_size_z": d.PhysicalSizeZ,
		"frame_rate": d.FrameRate, "n_channels": len(d.Channels), "n_concrete_channels": d.ConcreteChannels,
		"n_samples": d.Samples, "n_planes": d.Planes(), "are_rgb_planes": d.Samples > 1, "n_distinct_channels": 1,
		"acquired_at": at, "description": d.Text, "pixel_type": d.PixelType.String(),
		"significant_bits": d.SignificantBits, "bits": 8 * d.PixelType.Bytes(),
	}
}

func channels(s opened) []any {
	out := []any{}
	for i, c := range s.description.Channels {
		var color any
		if c.Color != "" {
			color = c.Color
		}
		out = append(out, map[string]any{
			"index": i, "suggested_name": c.Name, "color": color,
			"emission_wavelength": c.EmissionNm, "excitation_wavelength": c.ExcitationNm,
		})
	}
	return out
}

func instrument(s opened) any {
	d := s.description
	return map[string]any{
		"microscope": map[string]any{"model": d.MicroscopeModel},
		"objective": map[string]any{
			"nominal_magnification": d.NominalMagnification, "calibrated_magnification": d.CalibratedMagnification,
		},
	}
}

func associated(t *testing.T, s opened) []any {
	t.Helper()
	out := []any{}
	if holder, ok := s.image.(formats.AssociatedImages); ok {
		list, err := holder.Associated(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			out = append(out, map[string]any{"width": a.Width, "height": a.Height, "n_channels": a.Samples, "name": a.Name})
		}
	}
	return out
}

func info(t *testing.T, s opened) any {
	return map[string]any{
		"image": infoImage(s), "instrument": instrument(s), "associated": associated(t, s), "channels": channels(s),
	}
}

func metadata(t *testing.T, s opened) any {
	t.Helper()
	list, err := s.image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, m := range list {
		out[m.Namespace+"."+m.Key] = []any{m.Value, m.TypeName()}
	}
	return out
}

func pyramid(s opened) any {
	d := s.description
	tiers := []any{}
	for i, l := range d.Levels {
		if l.Strips {
			l.TileHeight = l.Height // PIMS shows a page in strips as one tile
		}
		factor := (float64(d.Width)/float64(l.Width) + float64(d.Height)/float64(l.Height)) / 2
		tiers = append(tiers, map[string]any{
			"zoom": len(d.Levels) - 1 - i, "level": i, "width": l.Width, "height": l.Height,
			"tile_width": l.TileWidth, "tile_height": l.TileHeight, "downsampling_factor": factor,
			"n_tiles": l.Tiles(), "n_tx": l.TilesAcross(), "n_ty": l.TilesDown(),
		})
	}
	return map[string]any{"n_tiers": len(tiers), "tiers": tiers}
}

// TestMetadataOrderIsPIMS checks the order of the keys: insertion order per
// namespace, namespaces in order of first use (pims-api §3.2).
func TestMetadataOrderIsPIMS(t *testing.T) {
	folder := goldenFolder(t)
	slides := openGoldens(t, folder)
	for _, c := range goldenCases(t, folder) {
		slide := slides[c.Image]
		if c.Group != "metadata" || slide.image == nil {
			continue
		}
		var want, got []string
		for _, item := range c.body(t, folder)["items"].([]any) {
			m := item.(map[string]any)
			want = append(want, fmt.Sprint(m["namespace"], ".", m["key"]))
		}
		list, err := slide.image.(formats.RawMetadata).RawMetadata(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			got = append(got, m.Namespace+"."+m.Key)
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s: keys in order (-PIMS +ours):\n%s", c.ID, diff)
		}
	}
}

// TestMediaTypesArePIMS: exports of a format have the type of pims-api §3.15.
func TestMediaTypesArePIMS(t *testing.T) {
	want := map[string]string{
		"PYRTIFF": "image/pyrtiff", "PLANARTIFF": "image/tiff", "IMAGEJTIFF": "image/tiff", "OMETIFF": "ome/ome-tiff", "PYROMETIFF": "ome/ome-tiff",
		"JPEG": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp", "WEBP": "image/webp", "JPEG2000": "image/jp2", "PPM": "image/x-portable-pixmap", "DICOM": "application/dicom",
	}
	for _, f := range all.Formats() {
		expected, ok := want[f.Info().ID]
		if !ok {
			expected = "application/octet-stream"
		}
		if got := f.Info().MediaType; got != expected {
			t.Errorf("%s has media type %q, expected %q", f.Info().ID, got, expected)
		}
	}
}
