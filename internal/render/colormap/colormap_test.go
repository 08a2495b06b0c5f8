package colormap

import (
	"bufio"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestTablesOf256AreThoseOfTheReference compares all 164 tables with the
// reference's. TWILIGHT differs on purpose: the reference shows half of the
// cycle (pims-api §9.3 no. 29).
func TestTablesOf256AreThoseOfTheReference(t *testing.T) {
	name := testfiles.Root(t) + "/../shared/reference/pims-colormaps-256.txt"
	file, err := os.Open(name)
	if err != nil {
		t.Skip("../shared/reference/pims-colormaps-256.txt is not here")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<16)
	var order []string
	for lines.Scan() {
		id, digits, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(id, "#") {
			continue
		}
		order = append(order, id)
		want, err := hex.DecodeString(digits)
		if err != nil || len(want) != 768 {
			t.Fatalf("%s: the reference has %d bytes: %v", id, len(want), err)
		}
		m, ok := Find(id)
		if !ok {
			t.Errorf("%s is missing", id)
			continue
		}
		if strings.Contains(id, "TWILIGHT") {
			continue
		}
		different := 0
		for i, c := range m.Table(256, 255) {
			for k, v := range c {
				if int(v) != int(want[3*i+k]) {
					if different == 0 {
						t.Errorf("%s[%d] component %d is %d, the reference has %d", id, i, k, v, want[3*i+k])
					}
					different++
				}
			}
		}
		if different > 0 {
			t.Errorf("%s: %d components differ", id, different)
		}
	}
	var mine []string
	for _, m := range List() {
		mine = append(mine, m.ID, m.Inverse().ID)
	}
	if got, want := strings.Join(mine, " "), strings.Join(order, " "); got != want {
		t.Errorf("the catalogue lists\n%s\nthe reference\n%s", got, want)
	}
}

func TestTablesOfOtherLengths(t *testing.T) {
	for _, row := range []struct {
		id       string
		n, top   int
		entry    int
		expected [3]uint16
	}{
		// pims-api §8.4
		{"VIRIDIS", 256, 255, 200, [3]uint16{112, 207, 87}},
		{"VIRIDIS", 65536, 65535, 0, [3]uint16{17498, 319, 21588}},
		{"VIRIDIS", 65536, 65535, 256, [3]uint16{17597, 629, 21982}},
		{"VIRIDIS", 65536, 65535, 32768, [3]uint16{8360, 37155, 36081}},
		{"VIRIDIS", 65536, 65535, 65535, [3]uint16{65093, 59385, 9433}},
		{"HEATMAP", 65536, 65535, 256, [3]uint16{0, 1024, 65535}},
		{"TAB10", 10, 255, 3, [3]uint16{214, 39, 40}},    // ⌊3/9·10⌋ = 3
		{"!TAB10", 10, 255, 3, [3]uint16{227, 119, 194}}, // 9 − 3 = 6
		{"GIST_STERN", 5, 255, 1, [3]uint16{7, 64, 128}}, // at the jump 0.027·255 = 6.9
		{"!GIST_STERN", 5, 255, 3, [3]uint16{64, 64, 128}},
		{"red", 256, 255, 128, [3]uint16{128, 0, 0}},
		{"!red", 256, 255, 128, [3]uint16{127, 0, 0}},
		{"#abcdef", 256, 255, 255, [3]uint16{171, 205, 239}},
		{"white", 16, 15, 7, [3]uint16{7, 7, 7}},
		{"JET", 1, 255, 0, [3]uint16{0, 0, 128}},
	} {
		m, ok := Parse(row.id)
		if !ok {
			t.Errorf("%s is missing", row.id)
			continue
		}
		if got := m.Table(row.n, row.top)[row.entry]; got != row.expected {
			t.Errorf("%s of %d entries: entry %d is %v, want %v", row.id, row.n, row.entry, got, row.expected)
		}
	}
}

// TWILIGHT goes once around: both ends are the same light colour, the middle is
// the darkest.
func TestTwilightIsTheWholeCycle(t *testing.T) {
	m, _ := Find("twilight")
	table := m.Table(256, 255)
	for k := range 3 {
		if d := int(table[0][k]) - int(table[255][k]); d < -2 || d > 2 {
			t.Errorf("component %d goes from %d to %d", k, table[0][k], table[255][k])
		}
	}
	if table[128][0] > 60 {
		t.Errorf("the middle is %v, expected dark", table[128])
	}
}

func TestNamesAndTypes(t *testing.T) {
	for id, want := range map[string][3]string{
		"tab20b":     {"TAB20B", "Tab20B", Qualitative},
		"!Gist_Yarg": {"!GIST_YARG", "Gist Yarg (Inverted)", Sequential},
		"YlOrBr":     {"YLORBR", "Ylorbr", Sequential},
		"viridis":    {"VIRIDIS", "Viridis", PerceptualUniform},
		"hsv":        {"HSV", "Hsv", Cyclic},
		"coolwarm":   {"COOLWARM", "Coolwarm", Diverging},
		"jet":        {"JET", "Jet", Miscellaneous},
	} {
		m, ok := Find(id)
		if !ok || m.ID != want[0] || m.Name != want[1] || m.Type != want[2] {
			t.Errorf("%s is %+v, want %v", id, m, want)
		}
		if back := m.Inverse().Inverse(); *back != *m {
			t.Errorf("%s inverted twice is %+v", id, back)
		}
	}
	for _, id := range []string{"", "!", "red", "JET|Jet", "#", "J", "VIRIDIS\n"} {
		if m, ok := Find(id); ok {
			t.Errorf("%q is found: %s", id, m.ID)
		}
	}
}

func TestColours(t *testing.T) {
	for text, want := range map[string]struct {
		color color.Color
		id    string
	}{
		"red": {color.Color{R: 255, G: 0, B: 0}, "RED"}, "0x0f0": {color.Color{R: 0, G: 255, B: 0}, "LIME"}, "#ABCDEF": {color.Color{R: 171, G: 205, B: 239}, "#ABCDEF"},
		"#123": {color.Color{R: 17, G: 34, B: 51}, "#123"}, "#12345678": {color.Color{R: 18, G: 52, B: 86}, "#123456"}, "#f00c": {color.Color{R: 255, G: 0, B: 0}, "RED"},
		"gray": {color.Color{R: 128, G: 128, B: 128}, "GREY"}, "aqua": {color.Color{R: 0, G: 255, B: 255}, "CYAN"}, "Fuchsia": {color.Color{R: 255, G: 0, B: 255}, "MAGENTA"},
		"rgb(1, 2,3)": {color.Color{R: 1, G: 2, B: 3}, "#010203"}, "rgba(0,0,255,0.5)": {color.Color{R: 0, G: 0, B: 255}, "BLUE"},
		"hsl(120,100%,25%)": {color.Color{R: 0, G: 128, B: 0}, "GREEN"}, "hsla(0.5turn, 100%, 50%, 50%)": {color.Color{R: 0, G: 255, B: 255}, "CYAN"},
		"hsl(-120deg, 100%, 50%)": {color.Color{R: 0, G: 0, B: 255}, "BLUE"}, "hsl(0,0%,50%)": {color.Color{R: 128, G: 128, B: 128}, "GREY"},
	} {
		m, ok := Parse(text)
		if !ok || *m.color != want.color || m.ID != want.id {
			t.Errorf("%s is %+v, want %+v", text, m, want)
			continue
		}
		inverse, ok := Parse("!" + text)
		if !ok || inverse.ID != "!"+want.id {
			t.Errorf("!%s is %+v", text, inverse)
		}
	}
	for _, text := range []string{"", "nocolor", "#12", "#12345", "rgb(1,2)", "rgb(1,2,256)", "rgb(1,2,3", "hsl(0,1,1)",
		"rgba(1,2,3,7)", "cmy(1,2,3)", "#ggg", "rgb(nan,0,0)", "!!red", "hsl(0,200%,50%)"} {
		if m, ok := Parse(text); ok {
			t.Errorf("%q is %+v, want no colour", text, m)
		}
	}
}

func TestGreyAndBlack(t *testing.T) {
	for id, want := range map[string]struct {
		components int
		black      bool
	}{"white": {1, false}, "#888": {1, false}, "black": {1, true}, "!black": {1, true}, "red": {3, false}, "greys": {3, false}, "jet": {3, false}} {
		m, _ := Parse(id)
		if m.Components() != want.components || m.Black() != want.black {
			t.Errorf("%s: %d components, black %t", id, m.Components(), m.Black())
		}
	}
}

func BenchmarkTable(b *testing.B) {
	for _, id := range []string{"VIRIDIS", "NIPY_SPECTRAL", "CUBEHELIX"} {
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, _ := Find(id)
				m.Table(256, 255)
			}
		})
	}
}
