package bmp

import (
	"fmt"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/bmp"
)

// metadata lists the header's values as exiftool shows them (pims-api §5.5).
func metadata(h *bmp.Header) []formats.Metadatum {
	var list []formats.Metadatum
	add := func(key string, value any) {
		list = append(list, formats.Metadatum{Namespace: "FILE", Key: key, Value: value})
	}
	add("BMPVersion", version(h.Size))
	add("ImageWidth", int64(h.Width))
	add("ImageHeight", int64(h.Height))
	add("Planes", int64(h.Planes))
	add("BitDepth", int64(h.BitsPerPixel))
	if h.Size < 40 {
		return list
	}
	add("Compression", compression(h.Compression))
	add("ImageLength", h.ImageBytes)
	add("PixelsPerMeterX", int64(h.PixelsPerMetreX))
	add("PixelsPerMeterY", int64(h.PixelsPerMetreY))
	add("NumColors", orWord(h.Colours, "Use BitDepth"))
	add("NumImportantColors", orWord(h.ImportantColours, "All"))
	for i, key := range []string{"RedMask", "GreenMask", "BlueMask", "AlphaMask"} {
		if h.Size >= 44+4*i {
			add(key, fmt.Sprintf("0x%08x", h.StoredMasks[i]))
		}
	}
	if h.Size >= 108 {
		add("ColorSpace", colourSpace(h.ColourSpace))
	}
	if h.Size >= 124 {
		add("RenderingIntent", intent(h.Intent))
		if h.ColourSpace == embeddedProfile {
			add("ProfileDataOffset", h.ProfileOffset-14) // counted from the information header, as stored
			add("ProfileSize", h.ProfileBytes)
		}
	}
	return list
}

func orWord(n int64, zero string) any {
	if n == 0 {
		return zero
	}
	return n
}

func version(size int) string {
	name, ok := map[int]string{
		12: "OS/2 V1", 40: "Windows V3", 108: "Windows V4", 124: "Windows V5",
	}[size]
	if !ok {
		return fmt.Sprintf("Unknown (%d)", size)
	}
	return name
}

func compression(c int) string {
	name, ok := map[int]string{bmp.None: "None", bmp.RLE8: "8-Bit RLE", bmp.RLE4: "4-Bit RLE", bmp.Bitfields: "Bitfields"}[c]
	if !ok {
		return fmt.Sprintf("Unknown (%d)", c)
	}
	return name
}

// embeddedProfile is the colour space of files with an ICC profile.
const embeddedProfile = 0x4D424544

// colourSpace is LCSType ([MS-WMF] §2.1.1.14), a number or four letters.
func colourSpace(v uint32) string {
	switch v {
	case 0:
		return "Calibrated RGB"
	case 1:
		return "Device RGB"
	case 2:
		return "Device CMYK"
	case 0x73524742:
		return "sRGB"
	case 0x57696E20:
		return "Windows Color Space"
	case 0x4C494E4B:
		return "Linked Color Profile"
	case embeddedProfile:
		return "Embedded Color Profile"
	}
	return fmt.Sprintf("Unknown (%#x)", v)
}

func intent(v uint32) string {
	name, ok := map[uint32]string{
		1: "Graphic (LCS_GM_BUSINESS)", 2: "Proof (LCS_GM_GRAPHICS)", 4: "Picture (LCS_GM_IMAGES)", 8: "Absolute Colorimetric (LCS_GM_ABS_COLORIMETRIC)",
	}[v]
	if !ok {
		return fmt.Sprintf("Unknown (%d)", v)
	}
	return name
}
