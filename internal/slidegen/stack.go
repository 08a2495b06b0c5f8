package slidegen

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// Stack is a file of planes: channels, slices and frames, as OME-TIFF or as
// ImageJ writes it. Every plane shows a scene of its own.
type Stack struct {
	Scene
	Channels, Depth, Duration int
	Order                     string // OME's DimensionOrder, "XYCZT"; ImageJ has no other
	Pixels                    Pixels // RGB8 counts as one plane of three channels
	Compression               tiff.Scheme
	Predictor                 bool
	BigTIFF, BigEndian        bool
	TileSize                  int  // pixels, a multiple of 16; 0 writes strips of 32 rows
	Pyramid                   bool // levels in SubIFDs, down to one tile
	ImageJ                    bool // otherwise OME
	Contiguous                bool // ImageJ: only the first plane has a directory
}

// Plane is the scene of one plane.
func (s Stack) Plane(c, z, t int) Scene {
	out := s.Scene
	out.Seed += uint32((t*s.Depth+z)*s.Channels + c)
	return out
}

// WriteStack writes a stack. It may be cancelled.
func WriteStack(ctx context.Context, w io.WriteSeeker, s Stack) error {
	if err := checkSize(s.Scene, max(s.TileSize, 16)); err != nil {
		return err
	}
	if s.Channels < 1 || s.Depth < 1 || s.Duration < 1 || s.Contiguous && (s.Compression != tiff.CompressionNone || s.TileSize != 0 || !s.ImageJ) {
		return fault.New(fault.Invalid, "slidegen-stack", "a stack has at least one plane, and only uncompressed strips of ImageJ are contiguous")
	}
	out, err := tiff.NewWriter(w, tiff.WriteOptions{BigTIFF: s.BigTIFF, BigEndian: s.BigEndian})
	if err != nil {
		return err
	}
	var chain []*tiff.Directory
	for n, at := range s.planes() {
		d, err := s.directory(ctx, out, at)
		if err != nil {
			return err
		}
		if n == 0 {
			d.Fields = append(d.Fields, tiff.TextField(tiff.ImageDescription, s.description()))
		}
		if n == 0 || !s.Contiguous {
			chain = append(chain, d)
		}
	}
	return out.Close(chain)
}

// planes are the (c, z, t) in file order.
func (s Stack) planes() [][3]int {
	sizes := map[byte]int{'C': s.Channels, 'Z': s.Depth, 'T': s.Duration}
	order := strings.TrimPrefix(s.order(), "XY")
	var out [][3]int
	for k := range sizes[order[2]] {
		for j := range sizes[order[1]] {
			for i := range sizes[order[0]] {
				at := map[byte]int{order[0]: i, order[1]: j, order[2]: k}
				out = append(out, [3]int{at['C'], at['Z'], at['T']})
			}
		}
	}
	return out
}

func (s Stack) order() string {
	if s.Order == "" || s.ImageJ {
		return "XYCZT"
	}
	return s.Order
}

// directory writes one plane with its levels.
func (s Stack) directory(ctx context.Context, w *tiff.Writer, at [3]int) (*tiff.Directory, error) {
	o := Pyramid{
		Scene: s.Plane(at[0], at[1], at[2]), TileSize: s.TileSize, Pixels: s.Pixels, Compression: s.Compression,
		Predictor: s.Predictor, BigEndian: s.BigEndian, Strips: s.TileSize == 0,
	}
	if o.Strips {
		o.TileSize = 32
	}
	var top *tiff.Directory
	for factor := 1; ; factor *= 2 {
		p := o.page(factor)
		p.fields = p.fields[:1] // resolution and software are of the first page
		if s.ImageJ {
			p.fields = append(p.fields, tiff.RatioField(tiff.XResolution, 2, 1), tiff.RatioField(tiff.YResolution, 4, 1), tiff.NumberField(tiff.ResolutionUnit, tiff.Short, 1))
		}
		d, err := p.write(ctx, w)
		if err != nil {
			return nil, err
		}
		if top == nil {
			top = d
		} else {
			top.SubIFDs = append(top.SubIFDs, d)
		}
		if !s.Pyramid || max(p.width, p.height) <= o.TileSize {
			return top, nil
		}
	}
}

// description is what tells other programs the axes.
func (s Stack) description() string {
	if s.ImageJ {
		return fmt.Sprintf("ImageJ=1.54f\nimages=%d\nchannels=%d\nslices=%d\nframes=%d\nhyperstack=true\nmode=composite\nunit=\\u00B5m\nspacing=1.5\nloop=false\n",
			s.Channels*s.Depth*s.Duration, s.Channels, s.Depth, s.Duration)
	}
	kind, samples := "uint8", 1
	switch s.Pixels {
	case Grey16:
		kind = "uint16"
	case RGB8:
		samples = 3
	}
	var channels, data strings.Builder
	for c := range s.Channels {
		fmt.Fprintf(&channels, `<Channel ID="Channel:0:%d" Name="Stain %d" SamplesPerPixel="%d" Color="%d" EmissionWavelength="%d"/>`, c, c+1, samples, int32(0x00ff00ff)<<(8*(c%2)), 500+50*c)
	}
	for n, at := range s.planes() {
		fmt.Fprintf(&data, `<TiffData IFD="%d" PlaneCount="1" FirstC="%d" FirstZ="%d" FirstT="%d"/>`, n, at[0], at[1], at[2])
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">`+
		`<Instrument ID="Instrument:0"><Microscope Model="slidegen"/><Objective ID="Objective:0" NominalMagnification="20" CalibratedMagnification="20.3"/></Instrument>`+
		`<Image ID="Image:0" Name="drawn"><AcquisitionDate>2024-05-06T07:08:09</AcquisitionDate><InstrumentRef ID="Instrument:0"/>`+
		`<Pixels ID="Pixels:0" DimensionOrder="%s" Type="%s" SizeX="%d" SizeY="%d" SizeC="%d" SizeZ="%d" SizeT="%d" `+
		`PhysicalSizeX="500" PhysicalSizeXUnit="nm" PhysicalSizeY="0.25" PhysicalSizeZ="0.002" PhysicalSizeZUnit="mm" TimeIncrement="250" TimeIncrementUnit="ms">%s%s</Pixels></Image></OME>`,
		s.order(), kind, s.Width, s.Height, s.Channels*samples, s.Depth, s.Duration, channels.String(), data.String())
}

// channel is one sample of every pixel.
func channel(r *pixel.Raster, sample int) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, 1, r.Type)
	size := r.Type.Bytes()
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for x := range r.Width {
			at := (x*r.Samples + sample) * size
			copy(to[x*size:(x+1)*size], from[at:at+size])
		}
	}
	return out
}
