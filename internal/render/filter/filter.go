// Package filter has the filters of pims-api §4.11: thresholds found in the
// stored histogram, and the separation of stains.
package filter

import (
	"slices"
	"strings"
)

// The types of filters.
const (
	Global = "GLOBAL" // makes a picture of black and white of a grey one
	Pixel  = "PIXEL"  // makes a colour of a colour
)

// Filter is one filter of the catalogue.
type Filter struct {
	ID          string
	Aliases     []string
	Name        string
	Type        string // Global or Pixel
	Description string

	stain int // which row of its basis a Pixel filter keeps
	basis string
}

// List is every filter once, in the catalogue's order (pims-api §8.3).
func List() []Filter {
	global := func(id, name string, aliases ...string) Filter {
		word := strings.TrimSuffix(strings.ReplaceAll(name, " Data", "data"), " Threshold")
		return Filter{ID: id, Aliases: aliases, Name: name, Type: Global, Description: word + " global filtering"}
	}
	stain := func(basis string, row int, id, name string, aliases ...string) Filter {
		return Filter{ID: id, Aliases: aliases, Name: name, Type: Pixel, basis: basis, stain: row}
	}
	return []Filter{
		global("OTSU", "Otsu Threshold"),
		global("ISODATA", "Iso Data Threshold", "BINARY"),
		global("YEN", "Yen Threshold"),
		global("MINIMUM", "Minimum Threshold"),
		global("MEAN", "Mean Threshold"),
		stain("HEDAB", 0, "HEDAB-HEMATOXYLIN", "H&E DAB -> Hematoxylin", "HEDAB-HAEMATOXYLIN"),
		stain("HEDAB", 1, "HEDAB-EOSIN", "H&E DAB -> Eosin"),
		stain("HEDAB", 2, "HEDAB-DAB", "H&E DAB -> DAB"),
		stain("GIEMSA", 0, "GIEMSA-METHYLBLUE", "Giemsa -> Methyl Blue"),
		stain("GIEMSA", 1, "GIEMSA-EOSIN", "Giemsa -> Eosin"),
		stain("HDAB", 0, "HDAB-HEMATOXYLIN", "H DAB -> Hematoxylin", "HDAB-HAEMATOXYLIN"),
		stain("HDAB", 1, "HDAB-DAB", "H DAB -> DAB", "HDAB-DAB"),
		stain("HE", 0, "HE-HEMATOXYLIN", "H&E -> Hematoxylin", "HE-HAEMATOXYLIN"),
		stain("HE", 1, "HE-EOSIN", "H&E -> Eosin", "HE-EOSIN"),
		stain("RGB", 0, "RGB-RED", "RGB- -> Red", "R_RGB"),
		stain("RGB", 1, "RGB-GREEN", "RGB- -> Green", "G_RGB"),
		stain("RGB", 2, "RGB-BLUE", "RGB- -> Blue", "B_RGB"),
		stain("CMY", 0, "CMY-CYAN", "CMY- -> Cyan", "C_CMY"),
		stain("CMY", 1, "CMY-MAGENTA", "CMY- -> Magenta", "M_CMY"),
		stain("CMY", 2, "CMY-YELLOW", "CMY- -> Yellow", "Y_CMY"),
	}
}

// Find gives a filter by its id or an alias, in any case.
func Find(id string) (Filter, bool) {
	id = strings.ToUpper(id)
	for _, f := range List() {
		if f.ID == id || slices.Contains(f.Aliases, id) {
			return f, true
		}
	}
	return Filter{}, false
}
