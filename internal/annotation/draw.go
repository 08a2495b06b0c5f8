package annotation

import (
	"context"
	"math"

	"github.com/paulmach/orb"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/pixel"
)

// Drawing is what outlines are drawn with.
type Drawing struct {
	Symbol Symbol
	// Bits is the depth of the picture: colours are scaled to 0 … 2^Bits−1 when
	// it is more than 8.
	Bits int
	// Grey keeps a grey picture grey, with colours by their luminance; otherwise
	// it becomes RGB when a stroke is coloured.
	Grey bool
}

// Mask is a picture of a region on which every annotation is filled with its
// colour, the later over the earlier; the rest is black. It has one sample when
// all colours are grey, else three, and 16 bits when bits is above 8. Kind
// TooLarge when drawing takes too long.
func Mask(ctx context.Context, annotations []Annotation, region Region, widthPx, heightPx, bits int) (*pixel.Raster, error) {
	samples := 1
	for _, a := range annotations {
		if !a.Fill.Grey() {
			samples = 3
		}
	}
	kind := pixel.Uint8
	if bits > 8 {
		kind = pixel.Uint16
	}
	out := pixel.New(widthPx, heightPx, samples, kind)
	c := newCanvas(ctx, out)
	to := region.toPicture(widthPx, heightPx)
	for _, a := range annotations {
		c.value = value(a.Fill, out, bits)
		c.fill(mapPoints(a.Geometry, to))
	}
	return out, c.err
}

// Crop adds an alpha sample to a picture of a region: opaque inside of the
// annotations, 1 − transparency/100 outside, rounded down. An annotation whose
// fill has no red counts as outside, as in PIMS: it cuts a hole into earlier
// ones. Alpha that the picture already has is kept where it is the lesser.
func Crop(ctx context.Context, picture *pixel.Raster, annotations []Annotation, region Region, transparencyPercent int) (*pixel.Raster, error) {
	top := 1<<(8*picture.Type.Bytes()) - 1
	beyond := int(math.Trunc((1 - float64(transparencyPercent)/100) * float64(top)))
	alpha := pixel.New(picture.Width, picture.Height, 1, picture.Type)
	c := newCanvas(ctx, alpha)
	c.value = sampleBytes(beyond, alpha.Type)
	for y := range alpha.Height {
		c.run(y, 0, alpha.Width)
	}
	to := region.toPicture(picture.Width, picture.Height)
	for _, a := range annotations {
		c.value = sampleBytes(top, alpha.Type)
		if a.Fill.R == 0 {
			c.value = sampleBytes(beyond, alpha.Type)
		}
		c.fill(mapPoints(a.Geometry, to))
	}
	if c.err != nil {
		return nil, c.err
	}
	return withAlpha(picture, alpha)
}

// withAlpha puts alpha behind the colour samples of a picture of 1 to 4.
func withAlpha(picture, alpha *pixel.Raster) (*pixel.Raster, error) {
	if err := drawable(picture); err != nil {
		return nil, err
	}
	size := picture.Type.Bytes()
	had := picture.Samples%2 == 0
	colors := picture.Samples
	if had {
		colors--
	}
	out := pixel.New(picture.Width, picture.Height, colors+1, picture.Type)
	for y := range out.Height {
		from, mask := picture.Row(y), alpha.Row(y)
		if had {
			lesserAlpha(mask, from, colors*size, size)
		}
		weave(out.Row(y), from, mask, colors*size, picture.Samples*size, size)
	}
	return out, nil
}

// lesserAlpha lowers a mask to the alpha that stands behind the colours.
func lesserAlpha(mask, from []byte, colorBytes, size int) {
	for x := 0; x+size <= len(mask); x += size {
		own := from[colorBytes : colorBytes+size]
		if sampleOf(own) < sampleOf(mask[x:x+size]) {
			copy(mask[x:], own)
		}
		from = from[colorBytes+size:]
	}
}

// weave copies the first colorBytes of every stride bytes, and one sample of the
// mask behind them.
func weave(to, from, mask []byte, colorBytes, stride, size int) {
	for len(mask) >= size {
		for i := range colorBytes {
			to[i] = from[i]
		}
		to[colorBytes] = mask[0]
		if size == 2 {
			to[colorBytes+1] = mask[1]
		}
		to, from, mask = to[colorBytes+size:], from[stride:], mask[size:]
	}
}

func sampleOf(b []byte) int {
	if len(b) == 1 {
		return int(b[0])
	}
	return int(b[0]) | int(b[1])<<8
}

func drawable(picture *pixel.Raster) error {
	if picture.Samples < 1 || picture.Samples > 4 || (picture.Type != pixel.Uint8 && picture.Type != pixel.Uint16) {
		return fault.New(fault.Internal, "annotation-picture",
			"Nothing can be drawn on a picture of %d samples of %s.", picture.Samples, picture.Type)
	}
	return nil
}

// Draw puts the outlines of annotations that have a stroke on a picture of a
// region, and gives the picture, which may be another raster.
func Draw(ctx context.Context, picture *pixel.Raster, annotations []Annotation, region Region, d Drawing) (*pixel.Raster, error) {
	if err := drawable(picture); err != nil {
		return nil, err
	}
	if picture.Samples <= 2 && !d.Grey && Coloured(annotations) {
		picture = widen(picture)
	}
	c := newCanvas(ctx, picture)
	to := region.toPicture(picture.Width, picture.Height)
	for _, a := range annotations {
		if a.Stroke == nil {
			continue
		}
		c.value = value(*a.Stroke, picture, d.Bits)
		width := strokePixels(a.StrokeWidth, max(picture.Width, picture.Height))
		for _, line := range contour(a.Geometry, d.Symbol) {
			points := mapPoints(line, to).(orb.LineString)
			if width > 1 {
				c.stroke(points, strokeRadius(width))
			} else {
				c.path(points)
			}
		}
	}
	return picture, c.err
}

// Coloured tells whether any annotation has a stroke that is not grey.
func Coloured(annotations []Annotation) bool {
	for _, a := range annotations {
		if a.Stroke != nil && !a.Stroke.Grey() {
			return true
		}
	}
	return false
}

// widen makes RGB of grey, alpha kept.
func widen(r *pixel.Raster) *pixel.Raster {
	size := r.Type.Bytes()
	out := pixel.New(r.Width, r.Height, r.Samples+2, r.Type)
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for x := range r.Width {
			in := from[x*r.Samples*size:][:r.Samples*size]
			target := to[x*out.Samples*size:]
			copy(target, in[:size])
			copy(target[size:], in[:size])
			copy(target[2*size:], in)
		}
	}
	return out
}

// value is the bytes of a pixel of the picture in a colour, opaque.
func value(c color.Color, picture *pixel.Raster, bits int) []byte {
	parts := []uint8{c.R, c.G, c.B}
	if picture.Samples <= 2 {
		grey := c.R
		if !c.Grey() {
			grey = c.Luminance()
		}
		parts = []uint8{grey}
	}
	var out []byte
	for _, v := range parts {
		scaled := int(v)
		if bits > 8 {
			scaled = int(math.RoundToEven(float64(v) * float64(int(1)<<min(bits, 16)-1) / 255))
		}
		out = append(out, sampleBytes(scaled, picture.Type)...)
	}
	if picture.Samples%2 == 0 {
		out = append(out, sampleBytes(1<<(8*picture.Type.Bytes())-1, picture.Type)...)
	}
	return out
}

func sampleBytes(v int, t pixel.Type) []byte {
	if t == pixel.Uint8 {
		return []byte{byte(v)}
	}
	return []byte{byte(v), byte(v >> 8)}
}
