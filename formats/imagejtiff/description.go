package imagejtiff

import (
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
)

// entry is one line of ImageJ's description, "key=value".
type entry struct{ key, value string }

// description is what ImageJ writes into ImageDescription, in file order.
type description []entry

// maxEntries bounds the lines of a description; ImageJ writes about twenty.
const maxEntries = 4096

func parseDescription(text string) description {
	var out description
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && len(out) < maxEntries {
			out = append(out, entry{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return out
}

func (d description) text(key string) string {
	for _, e := range d {
		if e.key == key {
			return e.value
		}
	}
	return ""
}

// without is the description without a key.
func (d description) without(key string) description {
	var out description
	for _, e := range d {
		if e.key != key {
			out = append(out, e)
		}
	}
	return out
}

// count is a number of images; 1 when it is absent or none.
func (d description) count(key string) int {
	if n, err := strconv.Atoi(d.text(key)); err == nil && n > 0 {
		return n
	}
	return 1
}

// number is a positive number, nil when it is absent or none.
func (d description) number(key string) *float64 {
	if v, err := strconv.ParseFloat(d.text(key), 64); err == nil && v > 0 && v < 1e300 {
		return &v
	}
	return nil
}

// axes spreads the images that are there over channels, slices and frames
// (order XYCZT). Images that no axis accounts for are slices; a description
// that claims more than there is counts for nothing.
func (d description) axes(images int) tiffpage.Axes {
	a := tiffpage.Axes{Channels: d.count("channels"), Depth: d.count("slices"), Duration: d.count("frames")}
	if a.Check() != nil || a.Planes() > images || a.Planes() == 1 {
		return tiffpage.Axes{Channels: 1, Depth: max(images, 1), Duration: 1}
	}
	return a
}

// micrometres is what ImageJ's unit is worth, 0 when it is not a length
// ("pixel"); given is false when no unit is named.
func (d description) micrometres() (worth float64, given bool) {
	unit := strings.ToLower(strings.Trim(d.text("unit"), "."))
	switch unit {
	case "um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres", `\u00b5m`:
		worth = 1
	case "nm", "nanometer", "nanometers", "nanometre", "nanometres":
		worth = 1e-3
	case "mm", "millimeter", "millimeters", "millimetre", "millimetres":
		worth = 1e3
	case "cm", "centimeter", "centimeters", "centimetre", "centimetres":
		worth = 1e4
	case "m", "meter", "meters", "metre", "metres":
		worth = 1e6
	case "inch", "inches", "in":
		worth = 25_400
	}
	return worth, unit != ""
}

// metadata lists the lines in the namespace IMAGEJ.
func (d description) metadata() []formats.Metadatum {
	out := make([]formats.Metadatum, 0, len(d))
	for _, e := range d {
		if e.key != "" {
			out = append(out, formats.Metadatum{Namespace: "IMAGEJ", Key: e.key, Value: formats.ParseScalar(e.value)})
		}
	}
	return out
}
