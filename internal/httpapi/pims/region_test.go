package pims

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/annotation"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
)

// formOf is the form of a JSON body, and what was found wrong with it so far.
func formOf(t *testing.T, body string) (*form, *problem.Validation) {
	t.Helper()
	var bad problem.Validation
	f, err := bodyForm(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), 1<<20, &bad)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f, &bad
}

// The last tier's sides have different factors: 1001/250 = 4.004, 600/150 = 4.
func unevenTiers() []render.Tier {
	return []render.Tier{{Width: 1001, Height: 600, TileWidth: 256, TileHeight: 256}, {Width: 250, Height: 150, TileWidth: 100, TileHeight: 64}}
}

func TestRegionsAreFullResolutionPixels(t *testing.T) {
	for body, want := range map[string]annotation.Region{
		`{"left":10,"top":20,"width":30,"height":40}`:                                                     {Left: 10, Top: 20, Width: 30, Height: 40},
		`{"left":"10","top":0,"width":991,"height":600}`:                                                  {Left: 10, Top: 0, Width: 991, Height: 600},
		`{"left":50,"top":10,"width":200,"height":140,"reference_tier_index":1}`:                          {Left: 200.2, Top: 40, Width: 800.8, Height: 560},
		`{"left":50,"top":10,"width":200,"height":140,"reference_tier_index":0,"tier_index_type":"ZOOM"}`: {Left: 200.2, Top: 40, Width: 800.8, Height: 560},
		`{"left":1,"top":2,"width":3,"height":4,"reference_tier_index":null,"tier_index_type":"ZOOM"}`:    {Left: 1, Top: 2, Width: 3, Height: 4},
		// In parts of the tier, edges rounded: 0.1·1001 = 100.1, 0.6·1001 = 600.6; 0.9999·150 = 149.985,
		// after the last pixel, which is taken.
		`{"left":0.1,"top":0,"width":0.5,"height":1}`:                                 {Left: 100, Top: 0, Width: 501, Height: 600},
		`{"left":0,"top":0.9999,"width":1,"height":0.00001,"reference_tier_index":1}`: {Left: 0, Top: 596, Width: 1001, Height: 4},
		`{"left":0,"top":0,"width":1,"height":1}`:                                     {Left: 0, Top: 0, Width: 1, Height: 1},
		`{"ti":3}`:        {Left: 768, Top: 0, Width: 233, Height: 256},
		`{"tx":3,"ty":2}`: {Left: 768, Top: 512, Width: 233, Height: 88},
		`{"tx":2,"ty":1,"reference_tier_index":1}`:     {Left: 800.8, Top: 256, Width: 200.2, Height: 256},
		`{"ti":5,"reference_tier_index":1,"top":"no"}`: {Left: 800.8, Top: 256, Width: 200.2, Height: 256},
	} {
		f, bad := formOf(t, `{"region":`+body+`}`)
		got, err := f.region().on(unevenTiers())
		if err != nil || bad.Err() != nil {
			t.Errorf("%s: %v, %v", body, err, bad.Err())
		}
		for _, pair := range [][2]float64{{got.Left, want.Left}, {got.Top, want.Top}, {got.Width, want.Width}, {got.Height, want.Height}} {
			if d := pair[0] - pair[1]; d > 1e-9 || d < -1e-9 {
				t.Errorf("%s: %v, want %v", body, got, want)
				break
			}
		}
	}
}

func TestRegionsThatDoNotExistAreTold(t *testing.T) {
	for body, want := range map[string]string{
		`{"left":972,"top":0,"width":30,"height":1}`:                         "Some coordinates of region Region @ downsample (1.0/1.0) (Top: 0.0 / Bottom: 1.0 / Left: 972.0 / Right: 1002.0 / Width: 30.0 / Height: 1.0)  are out of bounds.",
		`{"left":0.6,"top":0,"width":0.5,"height":0.5}`:                      "out of bounds.",
		`{"left":0,"top":599,"width":1,"height":2}`:                          "out of bounds.",
		`{"left":0,"top":0,"width":251,"height":2,"reference_tier_index":1}`: "Region @ downsample (4.004/4.0) ",
		`{"left":0,"top":0,"width":99999999999,"height":1}`:                  "out of bounds.",
		`{"left":0,"top":0,"width":1,"height":1,"reference_tier_index":7}`:   "Level tier 7 does not exist.",
		`{"ti":0,"reference_tier_index":-1,"tier_index_type":"ZOOM"}`:        "Zoom tier -1 does not exist.",
		`{"ti":12}`:        "Tile index 12 is invalid for tier",
		`{"tx":4,"ty":0}`:  "Tile coordinate 4 along X axis is invalid for tier",
		`{"tx":0,"ty":30}`: "Tile coordinate 30 along Y axis is invalid for tier",
	} {
		f, bad := formOf(t, `{"region":`+body+`}`)
		_, err := f.region().on(unevenTiers())
		if bad.Err() != nil || err == nil || !strings.Contains(err.Error(), want) || problem.Status(err) != 400 {
			t.Errorf("%s: %v, %v; want %q", body, bad.Err(), err, want)
		}
	}
}

func TestWhatIsNoRegionIsAValidationError(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"region":null}`, `{"region":3}`, `{"region":[]}`, `{"region":{}}`, `{"region":{"left":0,"top":0,"width":5}}`,
		`{"region":{"left":-5,"top":0,"width":5,"height":5}}`, `{"region":{"left":0,"top":0,"width":0,"height":5}}`,
		`{"region":{"left":0.5,"top":0,"width":1,"height":5}}`, `{"region":{"ti":-1}}`, `{"region":{"tx":1}}`, `{"region":{"ti":"a"}}`,
		`{"region":{"ti":1,"tier_index_type":"level"}}`, `{"region":{"ti":1,"reference_tier_index":"x"}}`,
	} {
		f, bad := formOf(t, body)
		f.region()
		if bad.Err() == nil {
			t.Errorf("%s was accepted", body)
		}
	}
}

func TestSizesOfRegions(t *testing.T) {
	region := annotation.Region{Left: 3.3, Top: 4.4, Width: 200.9, Height: 100.2}
	for body, want := range map[string][2]int{
		`{"level":0}`:               {201, 100},
		`{"level":1}`:               {50, 25}, // 200.9·250/1001 = 50.17, 100.2/4 = 25.05
		`{"zoom":0,"width":7}`:      {50, 25},
		`{"height":50}`:             {100, 50}, // of 200 × 100
		`{"width":50}`:              {50, 25},
		`{"width":0.5}`:             {100, 50},
		`{"length":300}`:            {300, 150},
		`{"length":0.25}`:           {50, 25},
		`{"length":9,"height":200}`: {400, 200},
	} {
		f, bad := formOf(t, body)
		width, height, err := f.regionSize().of(region, unevenTiers())
		if err != nil || bad.Err() != nil || [2]int{width, height} != want {
			t.Errorf("%s: %d×%d (%v, %v), want %v", body, width, height, err, bad.Err(), want)
		}
	}
	// Both sides are 10 when cut; the width is the longer one.
	f, _ := formOf(t, `{"length":20}`)
	if width, height, _ := f.regionSize().of(annotation.Region{Width: 10.7, Height: 10.2}, unevenTiers()); width != 20 || height != 20 {
		t.Errorf("a length of 20 for 10.7×10.2 gives %d×%d", width, height)
	}
	// A ratio of a point is one pixel, not none (pims-api §9.3 no. 30).
	f, _ = formOf(t, `{"length":0.1}`)
	if width, height, _ := f.regionSize().of(annotation.Region{Width: 1, Height: 1}, unevenTiers()); width != 1 || height != 1 {
		t.Errorf("a tenth of a point is %d×%d", width, height)
	}
	for body, want := range map[string]string{
		`{}`: "Impossible to determine output dimensions", `{"level":2}`: "Level tier 2 does not exist.", `{"zoom":9}`: "Zoom tier 9 does not exist.",
	} {
		f, _ := formOf(t, body)
		if _, _, err := f.regionSize().of(region, unevenTiers()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestShapesAreReadAndChecked(t *testing.T) {
	f, bad := formOf(t, `{"annotations":[{"geometry":"POINT (1 2)","fill_color":[1,2.5,300]},{"geometry":7,"stroke_color":"nocolour"},
		"x",{"geometry":"POINT (1 1)","stroke_width":11},{"fill_color":"red"}],"annotation_style":{"background_transparency":101,"point_cross":"X"}}`)
	f.shapes(false)
	f.style()
	var got []string
	for _, issue := range bad.Issues {
		got = append(got, issue.Type)
	}
	if want := "color_error string_type color_error model_attributes_type less_than_equal missing less_than_equal enum missing"; strings.Join(got, " ") != want {
		t.Errorf("found %v, want %s", got, want)
	}
	f, bad = formOf(t, `{"annotations":{"geometry":{"type":"Point","coordinates":[1,2]},"fill_color":null,"stroke_color":"#f00","stroke_width":null},
		"annotation_style":{"mode":"CROP","background_transparency":null}}`)
	shapes, style := f.shapes(false), f.style()
	if bad.Err() != nil || len(shapes) != 1 {
		t.Fatalf("%v: %v", shapes, bad.Err())
	}
	if s := shapes[0]; s.fill.ID() != "WHITE" || s.stroke.ID() != "RED" || s.width != 1 {
		t.Errorf("read %+v", s)
	}
	if style.mode != modeCrop || style.transparency != 0 || style.symbol != annotation.Cross {
		t.Errorf("read %+v", style)
	}
	if parsed, err := parseShapes(shapes, leftBottom, 100); err != nil || annotation.Around(parsed, 1).Top != 97 {
		t.Errorf("parsed %v (%v)", parsed, err)
	}
	if _, err := parseShapes(nil, leftTop, 100); problem.Status(err) != 400 {
		t.Errorf("no annotations at all: %v", err)
	}
}
