package color

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]Color{
		"red": {255, 0, 0}, "Lime": {0, 255, 0}, " white ": {255, 255, 255},
		"grey": {128, 128, 128}, "gray": {128, 128, 128},
		"#0c4": {0, 204, 68}, "#0c48": {0, 204, 68}, "#abcdef": {171, 205, 239}, "#ABCDEF80": {171, 205, 239},
		"0x0f0": {0, 255, 0}, "0xabcdef": {171, 205, 239}, "fff": {255, 255, 255},
		"rgb(10,20,200)": {10, 20, 200}, "rgb( 10 , 20.5, 21.5 )": {10, 20, 22}, "rgba(1,2,3,.5)": {1, 2, 3},
		"rgb(1, 2, 3, 50%)": {1, 2, 3}, "rgb(1 2 3)": {1, 2, 3}, "rgb(1 2 3 / 0.25)": {1, 2, 3},
		"hsl(0, 100%, 50%)": {255, 0, 0}, "hsl(120deg, 100%, 25%)": {0, 128, 0}, "hsl(-120, 100%, 50%)": {0, 0, 255},
		"hsl(0.5turn, 100%, 50%)": {0, 255, 255}, "hsla(270, 60%, 50%, 0.15)": {128, 51, 204}, "hsl(3.141592653589793rad 100% 50%)": {0, 255, 255},
	} {
		if got, ok := Parse(text); !ok || got != want {
			t.Errorf("Parse(%q) = %v, %t; want %v", text, got, ok, want)
		}
	}
}

func TestParseRefusesWhatIsNoColour(t *testing.T) {
	for _, text := range []string{
		"", "nocolour", "#", "#12", "#12345", "#1234567", "#ggg", "# ff", "#+12345", "0x", "rgb", "rgb(", "rgb()", "rgb(1,2)",
		"rgb(1,2,256)", "rgb(-1,2,3)", "rgb(1,2,3", "rgb(1,2,3,4)", "rgb(1,2,3,101%)", "rgb(1e1,2,3)", "rgb(1 2 / 3 4)",
		"hsl(0,100,50%)", "hsl(0,101%,50%)", "hsl(x,1%,1%)", "cmyk(1,2,3)", "rgb(nan,0,0)",
	} {
		if got, ok := Parse(text); ok {
			t.Errorf("Parse(%q) = %v, want a refusal", text, got)
		}
	}
}

func TestIDIsTheNameOrTheShorterHexForm(t *testing.T) {
	for text, want := range map[string]string{
		"0x0f0": "LIME", "#abcdef": "#ABCDEF", "#0c4": "#0C4", "gray": "GREY", "aqua": "CYAN", "fuchsia": "MAGENTA",
		"darkslategray": "DARKSLATEGREY", "#000": "BLACK",
	} {
		c, ok := Parse(text)
		if !ok || c.ID() != want {
			t.Errorf("id of %q is %s (%t), want %s", text, c.ID(), ok, want)
		}
	}
}

// Y of red is 0.2126, of which the sRGB curve makes 1.055·0.2126^(1/2.4)−0.055
// = 0.49875, and 0.49875·255 = 127.2.
func TestLuminance(t *testing.T) {
	for text, want := range map[string]uint8{"red": 127, "black": 0, "white": 255, "#808080": 128, "#010101": 1} {
		c, _ := Parse(text)
		if got := c.Luminance(); got != want {
			t.Errorf("luminance of %s is %d, want %d", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"red", "#0c4", "rgb(1,2,3)", "hsl(120deg 10% 20% / 3%)", "0xabcdef12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := Parse(text)
		if !ok {
			return
		}
		if again, ok := Parse(c.ID()); !ok || again != c {
			t.Errorf("%q is %v with id %s, which reads as %v", text, c, c.ID(), again)
		}
	})
}
