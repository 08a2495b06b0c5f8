package colormap

import (
	"strings"
	"testing"
)

// FuzzParse: what is understood has tables of the asked length within range,
// and its id names the same map again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"JET", "!viridis", "#abc", "!rgb(1,2,3)", "hsl(0.1turn, 50%, 50%)", "0xfff", "", "!", "a|b\n"} {
		f.Add(seed, uint16(255))
	}
	f.Fuzz(func(t *testing.T, id string, top uint16) {
		m, ok := Parse(id)
		if !ok {
			return
		}
		for _, n := range []int{1, 2, 100} {
			table := m.Table(n, int(top))
			if len(table) != n {
				t.Fatalf("%q has %d entries, want %d", id, len(table), n)
			}
			for _, c := range table {
				if c[0] > top || c[1] > top || c[2] > top {
					t.Fatalf("%q has %v, the greatest is %d", id, c, top)
				}
			}
		}
		again, ok := Parse(m.ID)
		if !ok || again.ID != m.ID || strings.ToUpper(m.ID) != m.ID {
			t.Errorf("%q is %q, which is %+v", id, m.ID, again)
		}
	})
}
