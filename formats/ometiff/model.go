package ometiff

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// picture is one Image of the document, with what its Pixels say.
type picture struct {
	image, pixels *element
	width, height int
	z, c, t       int
	order         string // axes after XY, fastest first: "CZT"
	samples       int    // SamplesPerPixel of its channels, 0 when not said
}

// document is a parsed OME-XML.
type document struct {
	root     *element
	pictures []picture
	main     int // the largest picture
}

// maxAxis bounds one axis of an image; it keeps products within int.
const maxAxis = math.MaxInt32

// readDocument parses OME-XML and finds the main image, the largest one. Kind
// Unsupported for documents whose images are elsewhere, Corrupt when the XML
// contradicts itself.
func readDocument(text string) (*document, error) {
	root, err := parseXML(text)
	if err != nil {
		return nil, err
	}
	d := &document{root: root}
	for _, image := range root.all("Image") {
		p, err := newPicture(image)
		if err != nil {
			return nil, err
		}
		d.pictures = append(d.pictures, p)
		if m := d.pictures[d.main]; p.width*p.height > m.width*m.height {
			d.main = len(d.pictures) - 1
		}
	}
	if len(d.pictures) > 0 {
		return d, nil
	}
	if companion, ok := root.first("BinaryOnly").attr("MetadataFile"); ok {
		return nil, fault.New(fault.Unsupported, "ome-binary-only",
			"the file holds pixels only; what they are stands in another file, %q, and images of several files are not read; save the image anew as one OME-TIFF", companion)
	}
	return nil, fault.New(fault.Corrupt, "ome-no-image", "the OME-XML describes no Image")
}

func newPicture(image *element) (picture, error) {
	p := picture{image: image, pixels: image.first("Pixels")}
	for name, to := range map[string]*int{"SizeX": &p.width, "SizeY": &p.height, "SizeZ": &p.z, "SizeC": &p.c, "SizeT": &p.t} {
		text, _ := p.pixels.attr(name)
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxAxis {
			return p, fault.New(fault.Corrupt, "ome-size", "%s of Image %q is %q; expected a positive whole number", name, p.name(), text)
		}
		*to = n
	}
	order, _ := p.pixels.attr("DimensionOrder")
	p.order = strings.TrimPrefix(order, "XY")
	switch p.order {
	case "ZCT", "ZTC", "CZT", "CTZ", "TZC", "TCZ":
	default:
		return p, fault.New(fault.Corrupt, "ome-dimension-order", "DimensionOrder of Image %q is %q; expected XY and an order of Z, C and T", p.name(), order)
	}
	return p, p.readSamples()
}

// readSamples takes SamplesPerPixel of the channels, which must agree.
func (p *picture) readSamples() error {
	for i, channel := range p.pixels.all("Channel") {
		n := 1
		if text, ok := channel.attr("SamplesPerPixel"); ok {
			n, _ = strconv.Atoi(text)
		}
		if n < 1 || n > maxAxis {
			return fault.New(fault.Corrupt, "ome-samples", "SamplesPerPixel of channel %d of Image %q is not a positive whole number", i, p.name())
		}
		if i > 0 && n != p.samples {
			return fault.New(fault.Unsupported, "ome-mixed-samples", "the channels of Image %q have %d and %d samples a pixel; only images whose channels are alike are read", p.name(), p.samples, n)
		}
		p.samples = n
	}
	return nil
}

func (p *picture) name() string {
	name, _ := p.image.attr("Name")
	return name
}

// number is a positive number of an attribute, nil when it is none.
func number(e *element, name string) *float64 {
	text, _ := e.attr(name)
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(v > 0) || v > 1e300 {
		return nil
	}
	return &v
}

// length is an attribute with its unit, in micrometres.
func length(e *element, name string) *float64 {
	return scaled(number(e, name), micrometres, e, name+"Unit", "µm")
}

// seconds is an attribute with its unit of time.
func seconds(e *element, name string) *float64 {
	return scaled(number(e, name), secondsOf, e, name+"Unit", "s")
}

func scaled(v *float64, worth func(string) float64, e *element, unitName, byDefault string) *float64 {
	unit, ok := e.attr(unitName)
	if !ok {
		unit = byDefault
	}
	factor := worth(unit)
	if v == nil || factor == 0 {
		return nil
	}
	out := *v * factor
	if unit == byDefault {
		out = *v // without rounding
	}
	if !(out > 0) || out > math.MaxFloat64 {
		return nil
	}
	return &out
}

// micrometres is what a unit of length of the OME schema is worth; 0 for those
// that are none ("pixel", "reference frame").
func micrometres(unit string) float64 {
	const inch = 25_400
	switch unit {
	case "Ym", "Zm", "Em", "Pm", "Tm", "Gm", "Mm", "km", "hm", "dam", "m", "dm", "cm", "mm", "µm", "μm", "um", "nm", "pm", "fm", "am", "zm", "ym":
		return prefix(strings.TrimSuffix(unit, "m")) * 1e6
	case "\u00c5", "\u212b": // ångström, letter and sign
		return 1e-4
	case "in":
		return inch
	case "thou":
		return inch / 1000
	case "li":
		return inch / 12
	case "pt":
		return inch / 72.0
	case "ft":
		return inch * 12
	case "yd":
		return inch * 36
	case "mi":
		return inch * 63_360
	}
	return 0
}

// secondsOf is what a unit of time is worth, 0 for an unknown one.
func secondsOf(unit string) float64 {
	switch unit {
	case "min":
		return 60
	case "h":
		return 3600
	case "d":
		return 86_400
	}
	if p, ok := strings.CutSuffix(unit, "s"); ok {
		return prefix(p)
	}
	return 0
}

// prefix is the factor of a prefix of the SI, 0 for what is none.
func prefix(p string) float64 {
	exponents := map[string]int{
		"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "": 0, "d": -1, "c": -2,
		"m": -3, "µ": -6, "μ": -6, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
	}
	exponent, ok := exponents[p]
	if !ok {
		return 0
	}
	return math.Pow10(exponent)
}

// acquiredAt is AcquisitionDate, ISO 8601, as the clock of the microscope had it.
func (p *picture) acquiredAt() *time.Time {
	text := p.image.first("AcquisitionDate").text
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			local := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
			return &local
		}
	}
	return nil
}

// dress gives channels the names, colours and wavelengths of the document.
// Samples of one pixel keep the names and colours of R, G and B.
func (p *picture) dress(channels []formats.Channel, samples int) {
	for i, e := range p.pixels.all("Channel") {
		if (i+1)*samples > len(channels) {
			return
		}
		for s := range samples {
			c := &channels[i*samples+s]
			c.EmissionNm, c.ExcitationNm = number(e, "EmissionWavelength"), number(e, "ExcitationWavelength")
			if samples > 1 {
				continue
			}
			if name, ok := e.attr("Name"); ok && name != "" {
				c.Name = name
			}
			if colour, ok := parseColour(e); ok {
				c.Color = colour
			}
		}
	}
}

// parseColour reads a Color attribute, RGBA in a signed 32-bit number, as the
// shortest CSS hex.
func parseColour(e *element) (string, bool) {
	text, ok := e.attr("Color")
	v, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || v < math.MinInt32 || v > math.MaxUint32 {
		return "", false
	}
	const digits = "0123456789abcdef"
	rgba := uint32(v)
	long := []byte("#")
	short := true
	for shift := 24; shift > 0; shift -= 8 {
		b := byte(rgba >> shift)
		long = append(long, digits[b>>4], digits[b&15])
		short = short && b>>4 == b&15
	}
	if short {
		return string([]byte{'#', long[1], long[3], long[5]}), true
	}
	return string(long), true
}

// instrument is the Instrument that the image refers to, else an empty one.
func (d *document) instrument(p *picture) *element {
	id, ok := p.image.first("InstrumentRef").attr("ID")
	for _, i := range d.root.all("Instrument") {
		if own, _ := i.attr("ID"); ok && own == id {
			return i
		}
	}
	return &element{}
}

// objective is the objective that the image names, else the last of its
// instrument (pims-api §5.4).
func (p *picture) objective(instrument *element) *element {
	out := &element{}
	want, named := p.image.first("ObjectiveSettings").attr("ID")
	for _, o := range instrument.all("Objective") {
		out = o
		if id, _ := o.attr("ID"); named && id == want {
			break
		}
	}
	return out
}
