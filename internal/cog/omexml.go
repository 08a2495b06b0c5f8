package cog

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// The elements of OME-XML that say what the directories are (OME-TIFF
// specification, schema 2016-06).
type (
	omeDocument struct {
		XMLName xml.Name `xml:"http://www.openmicroscopy.org/Schemas/OME/2016-06 OME"`
		Creator string   `xml:"Creator,attr,omitempty"`
		Image   omeImage
	}
	omeImage struct {
		ID              string `xml:"ID,attr"`
		Name            string `xml:"Name,attr,omitempty"`
		AcquisitionDate string `xml:",omitempty"`
		Description     string `xml:",omitempty"`
		Pixels          omePixels
	}
	omePixels struct {
		ID              string `xml:"ID,attr"`
		DimensionOrder  string `xml:"DimensionOrder,attr"`
		Type            string `xml:"Type,attr"`
		SignificantBits int    `xml:"SignificantBits,attr,omitempty"`
		SizeX           int    `xml:"SizeX,attr"`
		SizeY           int    `xml:"SizeY,attr"`
		SizeC           int    `xml:"SizeC,attr"`
		SizeZ           int    `xml:"SizeZ,attr"`
		SizeT           int    `xml:"SizeT,attr"`
		PhysicalSizeX   string `xml:"PhysicalSizeX,attr,omitempty"` // µm, the schema's default unit
		PhysicalSizeY   string `xml:"PhysicalSizeY,attr,omitempty"`
		PhysicalSizeZ   string `xml:"PhysicalSizeZ,attr,omitempty"`
		TimeIncrement   string `xml:"TimeIncrement,attr,omitempty"` // s
		Channel         []omeChannel
		TiffData        []omeTiffData
	}
	omeChannel struct {
		ID                   string `xml:"ID,attr"`
		Name                 string `xml:"Name,attr,omitempty"`
		SamplesPerPixel      int    `xml:"SamplesPerPixel,attr"`
		Color                string `xml:"Color,attr,omitempty"`
		EmissionWavelength   string `xml:"EmissionWavelength,attr,omitempty"`
		ExcitationWavelength string `xml:"ExcitationWavelength,attr,omitempty"`
	}
	omeTiffData struct {
		IFD        int `xml:"IFD,attr"`
		PlaneCount int `xml:"PlaneCount,attr"`
	}
)

// omeXML describes planes in the order of formats.Description.PlaneNumber:
// channels fastest, then Z, then T. samples is how many a stored pixel has.
func omeXML(d *formats.Description, samples int, software string) string {
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	doc := omeDocument{Creator: software}
	doc.Image = omeImage{ID: "Image:0", Pixels: omePixels{
		ID: "Pixels:0", DimensionOrder: "XYCZT", Type: omeType(d.PixelType), SignificantBits: d.SignificantBits,
		SizeX: d.Width, SizeY: d.Height, SizeC: d.ConcreteChannels * samples, SizeZ: d.Depth, SizeT: d.Duration,
		PhysicalSizeX: number(d.PhysicalSizeX), PhysicalSizeY: number(d.PhysicalSizeY), PhysicalSizeZ: number(d.PhysicalSizeZ),
		TiffData: []omeTiffData{{PlaneCount: d.Planes()}},
	}}
	if d.FrameRate != nil && *d.FrameRate > 0 {
		seconds := 1 / *d.FrameRate
		doc.Image.Pixels.TimeIncrement = number(&seconds)
	}
	if d.AcquiredAt != nil {
		doc.Image.AcquisitionDate = d.AcquiredAt.Format("2006-01-02T15:04:05")
	}
	// The XML of a converted OME file says nothing that is not said here.
	if d.Text != nil && !strings.HasSuffix(strings.TrimSpace(*d.Text), "OME>") {
		doc.Image.Description = *d.Text
	}
	for c := range d.ConcreteChannels {
		channel := omeChannel{ID: "Channel:0:" + strconv.Itoa(c), SamplesPerPixel: samples}
		if i := c * d.Samples; i < len(d.Channels) && samples == 1 {
			channel.Name, channel.Color = d.Channels[i].Name, omeColor(d.Channels[i].Color)
			channel.EmissionWavelength, channel.ExcitationWavelength = number(d.Channels[i].EmissionNm), number(d.Channels[i].ExcitationNm)
		}
		doc.Image.Pixels.Channel = append(doc.Image.Pixels.Channel, channel)
	}
	b, err := xml.Marshal(doc)
	if err != nil { // text and numbers always have an XML form
		return ""
	}
	return xml.Header + string(b)
}

func omeType(t pixel.Type) string {
	switch t {
	case pixel.Float32:
		return "float"
	case pixel.Float64:
		return "double"
	default:
		return t.String()
	}
}

// omeColor is a CSS hex colour as the schema's signed 32-bit RGBA.
func omeColor(css string) string {
	hex := strings.TrimPrefix(css, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	v, err := strconv.ParseUint(hex, 16, 24)
	if err != nil || len(hex) != 6 {
		return ""
	}
	return strconv.FormatInt(int64(int32(uint32(v)<<8|0xFF)), 10)
}
