package pims

import (
	"slices"
	"strings"

	"golang.org/x/image/colornames"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// colors gives every channel its colour (pims-api §3.0.6): its own, none, or a
// CSS colour. Table colormaps and inverted ones are known but not drawn yet.
func (d display) colors(m *slide.Manifest, v *render.View) error {
	for i, c := range v.Channels {
		id := pick(d.colormaps, i)
		if id == nil {
			continue
		}
		color, err := colorOf(*id, m, c)
		if err != nil {
			return err
		}
		v.Colors[i] = color
	}
	return nil
}

func colorOf(id string, m *slide.Manifest, channel int) (*render.Color, error) {
	switch id {
	case "NONE":
		return nil, nil
	case "DEFAULT":
		return render.ChannelColor(&m.Description, channel), nil
	case "!DEFAULT":
		return nil, notAvailable("colormaps=!DEFAULT")
	}
	upper := strings.ToUpper(id)
	name, inverted := strings.CutPrefix(upper, "!")
	if tableColormap(name) {
		return nil, notAvailable("colormaps=" + upper)
	}
	color, ok := cssColor(strings.ToLower(name))
	switch {
	case !ok:
		return nil, problem.ColormapNotFound(upper)
	case inverted:
		return nil, notAvailable("colormaps=" + upper)
	}
	return &color, nil
}

// cssColor reads names and hex forms, with "#" or "0x".
func cssColor(text string) (render.Color, bool) {
	if c, ok := colornames.Map[text]; ok {
		return render.Color{R: c.R, G: c.G, B: c.B}, true
	}
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		text = "#" + digits
	}
	return render.ParseColor(text)
}

// tableColormap tells the ids of pims-api §8.4.
func tableColormap(id string) bool {
	return slices.Contains(strings.Fields(`VIRIDIS PLASMA INFERNO MAGMA CIVIDIS
		GREYS PURPLES BLUES GREENS ORANGES REDS YLORBR YLORRD ORRD PURD RDPU BUPU GNBU PUBU YLGNBU PUBUGN BUGN YLGN
		BINARY GIST_YARG GIST_GRAY BONE SPRING SUMMER AUTUMN WINTER COOL WISTIA HOT AFMHOT GIST_HEAT COPPER HEATMAP
		PIYG PRGN BRBG PUOR RDGY RDBU RDYLBU RDYLGN SPECTRAL COOLWARM BWR SEISMIC TWILIGHT TWILIGHT_SHIFTED HSV
		PASTEL1 PASTEL2 PAIRED ACCENT DARK2 SET1 SET2 SET3 TAB10 TAB20 TAB20B TAB20C
		FLAG PRISM OCEAN GIST_EARTH TERRAIN GIST_STERN GNUPLOT GNUPLOT2 CMRMAP CUBEHELIX BRG GIST_RAINBOW RAINBOW
		JET TURBO NIPY_SPECTRAL GIST_NCAR`), id)
}

// knownFilter tells the ids and aliases of pims-api §8.3, in any case.
func knownFilter(id string) bool {
	return slices.Contains(strings.Fields(`OTSU ISODATA BINARY YEN MINIMUM MEAN
		HEDAB-HEMATOXYLIN HEDAB-HAEMATOXYLIN HEDAB-EOSIN HEDAB-DAB GIEMSA-METHYLBLUE GIEMSA-EOSIN
		HDAB-HEMATOXYLIN HDAB-HAEMATOXYLIN HDAB-DAB HE-HEMATOXYLIN HE-HAEMATOXYLIN HE-EOSIN
		RGB-RED R_RGB RGB-GREEN G_RGB RGB-BLUE B_RGB CMY-CYAN C_CMY CMY-MAGENTA M_CMY CMY-YELLOW Y_CMY`),
		strings.ToUpper(id))
}
