package annotation

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkt"

	"github.com/pims-cloud/pims/fault"
)

func parse(t testing.TB, text string) orb.Geometry {
	t.Helper()
	g, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return g
}

func TestEveryTypeOfWKTIsRead(t *testing.T) {
	triangle := orb.Ring{{0, 0}, {4, 0}, {0, 3}, {0, 0}}
	hole := orb.Ring{{1, 1}, {2, 1}, {1, 1.5}, {1, 1}}
	for text, want := range map[string]orb.Geometry{
		"POINT (1 2)":                 orb.Point{1, 2},
		" point(1.5e1 -2.25) ":        orb.Point{15, -2.25},
		"POINT Z (1 2 3)":             orb.Point{1, 2},
		"POINT ZM (1 2 3 4)":          orb.Point{1, 2},
		"POINT (1 2 3)":               orb.Point{1, 2},
		"LINESTRING (0 0, 1 1)":       orb.LineString{{0, 0}, {1, 1}},
		"LINEARRING(0 0,4 0,0 3,0 0)": orb.LineString{{0, 0}, {4, 0}, {0, 3}, {0, 0}},
		"POLYGON ((0 0, 4 0, 0 3, 0 0), (1 1, 2 1, 1 1.5, 1 1))": orb.Polygon{triangle, hole},
		"MULTIPOINT ((1 2), (3 4))":                              orb.MultiPoint{{1, 2}, {3, 4}},
		"MULTIPOINT (1 2, 3 4)":                                  orb.MultiPoint{{1, 2}, {3, 4}},
		"MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))":               orb.MultiLineString{{{0, 0}, {1, 1}}, {{2, 2}, {3, 3}}},
		"MULTIPOLYGON (((0 0, 4 0, 0 3, 0 0)))":                  orb.MultiPolygon{{triangle}},
		"GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1)))": orb.Collection{
			orb.Point{1, 2}, orb.Collection{orb.LineString{{0, 0}, {1, 1}}}},
		"GEOMETRYCOLLECTION (POINT EMPTY, POINT (1 2))": orb.Collection{orb.Point{1, 2}},
	} {
		if diff := cmp.Diff(want, parse(t, text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestWhatIsNoGeometryIsRefusedWithItsReason(t *testing.T) {
	for text, reason := range map[string]string{
		"SQUARE (1 2)": "WKT reading error", "": "WKT reading error", "POINT": "WKT reading error", "POINT (": "WKT reading error",
		"POINT (1)": "WKT reading error", "POINT (a b)": "WKT reading error", "POINT (1 2) x": "WKT reading error",
		"POINT (1 2, 3 4)": "WKT reading error", "POINT (1 2 3 4 5)": "WKT reading error", "LINESTRING (1 2)": "WKT reading error",
		"POLYGON ((0 0, 1 0, 1 1, 0 1))": "WKT reading error", "POLYGON ((0 0, 1 0, 0 0))": "WKT reading error",
		"POLYGON (0 0, 1 0, 1 1, 0 0)": "WKT reading error", "POINTS (1 2)": "WKT reading error", "POINT (nan nan)": "WKT reading error",
		"MULTIPOINT ((1 2)": "WKT reading error", "GEOMETRYCOLLECTION (1 2)": "WKT reading error", "POLYGON (())": "WKT reading error",
		"POINT EMPTY": "Empty geometry", "POLYGON EMPTY": "Empty geometry", "MULTIPOLYGON EMPTY": "Empty geometry",
		"GEOMETRYCOLLECTION (POINT EMPTY, GEOMETRYCOLLECTION EMPTY)": "Empty geometry", "MULTIPOLYGON (EMPTY)": "Empty geometry",
		"POINT (1 2e9)":                                                   "Coordinate beyond ±1e+09 pixels[1 2e+09]",
		`{"type":"Blob"}`:                                                 "GeoJSON reading error",
		`{"type":"Point"`:                                                 "GeoJSON reading error",
		`{"type":"Point"}`:                                                "GeoJSON reading error",
		`{"type":"Point","coordinates":[]}`:                               "Empty geometry",
		`{"type":"Point","coordinates":[1]}`:                              "GeoJSON reading error",
		`{"type":"Point","coordinates":["a",1]}`:                          "GeoJSON reading error",
		`{"type":"LineString","coordinates":[[1,1]]}`:                     "GeoJSON reading error",
		`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]}`:          "GeoJSON reading error",
		`{"type":"GeometryCollection","geometries":[{"type":"Feature"}]}`: "GeoJSON reading error",
		`{"type":"GeometryCollection","geometries":[]}`:                   "Empty geometry",
	} {
		g, err := Parse(text)
		var bad *InvalidGeometry
		if !errors.As(err, &bad) {
			t.Errorf("%q gave %v and %v", text, g, err)
			continue
		}
		if bad.Reason != reason || bad.Text != text {
			t.Errorf("%q is refused as %q for %q, want %q", text, bad.Text, bad.Reason, reason)
		}
	}
}

func TestGeoJSONReadsAsTheSameGeometries(t *testing.T) {
	for json, text := range map[string]string{
		`{"type":"Point","coordinates":[1,2,9]}`:                                                    "POINT (1 2)",
		`{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`:                                         "MULTIPOINT (1 2, 3 4)",
		`{"type":"LineString","coordinates":[[0,0],[1,1]]}`:                                         "LINESTRING (0 0, 1 1)",
		`{"type":"MultiLineString","coordinates":[[[0,0],[1,1]]]}`:                                  "MULTILINESTRING ((0 0, 1 1))",
		`{"type":"Polygon","coordinates":[[[0,0],[4,0],[0,3],[0,0]]]}`:                              "POLYGON ((0 0, 4 0, 0 3, 0 0))",
		`{"type":"MultiPolygon","coordinates":[[[[0,0],[4,0],[0,3],[0,0]]]]}`:                       "MULTIPOLYGON (((0 0, 4 0, 0 3, 0 0)))",
		`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}`:         "GEOMETRYCOLLECTION (POINT (1 2))",
		`{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[1.5,2]}}`: "POINT (1.5 2)",
	} {
		if diff := cmp.Diff(parse(t, text), parse(t, json)); diff != "" {
			t.Errorf("%s (-wkt +geojson):\n%s", json, diff)
		}
	}
}

func TestPolygonsWithoutAreaBecomeTheLineOrPointThatTheyAre(t *testing.T) {
	line := orb.LineString{{0, 0}, {2, 2}, {1, 1}, {0, 0}}
	for text, want := range map[string]orb.Geometry{
		"POLYGON ((0 0, 2 2, 1 1, 0 0))": line,
		"POLYGON ((5 5, 5 5, 5 5, 5 5))": orb.Point{5, 5},
		"MULTIPOLYGON (((0 0, 4 0, 0 3, 0 0)), ((0 0, 2 2, 1 1, 0 0)))": orb.Collection{
			orb.MultiPolygon{{{{0, 0}, {4, 0}, {0, 3}, {0, 0}}}}, line},
	} {
		if diff := cmp.Diff(want, parse(t, text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestComplexityIsBounded(t *testing.T) {
	nested := strings.Repeat("GEOMETRYCOLLECTION (", 40) + "POINT (1 1)" + strings.Repeat(")", 40)
	many := "MULTIPOINT (" + strings.Repeat("1 1,", MaxVertices) + "1 1)"
	inJSON := strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 40) + `{"type":"Point","coordinates":[1,1]}` + strings.Repeat("]}", 40)
	for _, text := range []string{nested, many, inJSON} {
		if _, err := Parse(text); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("%.30s… gave %v, want too-large", text, err)
		}
	}
}

func TestALongTextIsNotSentBack(t *testing.T) {
	_, err := Parse("SQUARE " + strings.Repeat("é", 5000))
	var bad *InvalidGeometry
	if !errors.As(err, &bad) || len(bad.Text) > 2010 || !strings.HasSuffix(bad.Text, "…") {
		t.Errorf("got %d bytes", len(bad.Text))
	}
}

// A slide of 100 rows: the centre of the last row, 99.5 from the top, is 0 from
// the bottom.
func TestFromBottom(t *testing.T) {
	got := FromBottom(parse(t, "GEOMETRYCOLLECTION (POINT (3 0), MULTILINESTRING ((1 10, 2 99.5)), MULTIPOLYGON (((0 0, 1 0, 0 1, 0 0))))"), 100)
	want := orb.Collection{
		orb.Point{3, 99.5}, orb.MultiLineString{{{1, 89.5}, {2, 0}}},
		orb.MultiPolygon{{{{0, 99.5}, {1, 99.5}, {0, 98.5}, {0, 99.5}}}},
	}
	if diff := cmp.Diff(orb.Geometry(want), got); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse holds what is read against orb's own writer and reader.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"POINT (1 2)", "MULTIPOINT ((1 2), (3 4))", "LINESTRING (0 0, 1 1)", "POLYGON ((0 0, 4 0, 0 3, 0 0), (1 1, 2 1, 1 1.5, 1 1))",
		"MULTIPOLYGON (((0 0, 4 0, 0 3, 0 0)))", "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))", "POINT EMPTY",
		`{"type":"Polygon","coordinates":[[[0,0],[4,0],[0,3],[0,0]]]}`, "POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))", "LINESTRING (-1e9 3, 1e9 4)",
		`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			return
		}
		again, err := wkt.Unmarshal(wkt.MarshalString(g))
		if err != nil || !orb.Equal(g, again) {
			t.Errorf("%q is read as %v, which orb writes and reads as %v (%v)", text, g, again, err)
		}
		drawEverything(t, g)
	})
}

func TestAround(t *testing.T) {
	at := func(text string) Annotation { return Annotation{Geometry: parse(t, text)} }
	for name, c := range map[string]struct {
		annotations []Annotation
		envelope    float64
		want        Region
	}{
		"a point and 100":         {[]Annotation{at("POINT (50 60)")}, 100, Region{0, 10, 100, 100}},
		"an envelope of 0 is 1":   {[]Annotation{at("POINT (50 60)")}, 0, Region{49.5, 59.5, 1, 1}},
		"points in a set have no": {[]Annotation{at("MULTIPOINT ((1 2), (5 9))")}, 100, Region{1, 2, 4, 7}},
		"the union of all":        {[]Annotation{at("LINESTRING (10 20, 12 21)"), at("POINT (2 3)")}, 1, Region{1.5, 2.5, 10.5, 18.5}},
	} {
		if got := Around(c.annotations, c.envelope); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRegionGrowsIsSquaredAndStaysInside(t *testing.T) {
	r := Region{Left: 100, Top: 50, Width: 40, Height: 20}
	for name, c := range map[string]struct{ got, want Region }{
		"1.5 times":      {r.Grow(1.5), Region{90, 45, 60, 30}},
		"half":           {r.Grow(0.5), Region{110, 55, 20, 10}},
		"0 is 1":         {r.Grow(0), r},
		"square":         {r.Square(), Region{100, 40, 40, 40}},
		"inside":         {r.Within(1000, 1000), r},
		"left of 0":      {Region{-5, -7, 10, 10}.Within(100, 100), Region{0, 0, 10, 10}},
		"past the edge":  {Region{95.5, 99, 10, 10}.Within(100, 100), Region{90, 90, 10, 10}},
		"larger":         {Region{-50, 20, 300, 50}.Within(100, 60), Region{0, 10, 100, 50}},
		"a level line":   {Region{10, 5, 30, 0}.Within(100, 100), Region{10, 4.5, 30, 1}},
		"a slide of 1×1": {Region{7, 9, 3, 3}.Within(1, 1), Region{0, 0, 1, 1}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

// Two steps a pixel across, one down.
func TestPicturesAreScaledFromTheUnroundedRegion(t *testing.T) {
	to := Region{Left: 10.5, Top: 20.25, Width: 50, Height: 100}.toPicture(100, 100)
	if got, want := to(orb.Point{11, 21}), (orb.Point{1, 0.75}); math.Abs(got[0]-want[0]) > 1e-12 || math.Abs(got[1]-want[1]) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
}
