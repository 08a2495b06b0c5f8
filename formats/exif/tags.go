package exif

import (
	"fmt"

	"github.com/pims-cloud/pims/tiff"
)

// directory is which of the block's directories a tag stands in: numbers mean
// different things in them.
type directory uint8

const (
	mainDirectory directory = iota
	exifDirectory
	gpsDirectory
	interopDirectory
	thumbnailDirectory
)

const tagInteropIFD tiff.Tag = 0xA005

// display is how a value is shown.
type display uint8

const (
	asStored           display = iota // numbers joined by blanks, text
	asChoice                          // the name of an enumerated value
	asBytesText                       // text that is stored as UNDEFINED
	asComment                         // with a character set in front
	asWideText                        // UTF-16, little-endian
	asComponents                      // ComponentsConfiguration
	asVersionBytes                    // 2.3.0.0
	asExposure                        // seconds
	asShutter                         // APEX
	asAperture                        // APEX
	asFNumber                         //
	asMillimetres                     // with one decimal
	asWholeMillimetres                //
	asMetres                          //
	asDegrees                         // degrees, minutes, seconds
	asClock                           // hours, minutes, seconds
	asFraction                        // +1/3
	asCompass                         // N, S, E, W in full
	asInterop                         // the rule that the file keeps
)

// definition is a tag's name and display.
type definition struct {
	name    string
	as      display
	choices []named
	hidden  bool // offsets, maker notes and other bytes without meaning here
}

type named struct {
	value int
	name  string
}

// define looks a tag up; unknown ones get the name that exiftool gives them.
func define(d directory, tag tiff.Tag) (definition, bool) {
	var def definition
	ok := false
	switch d {
	case gpsDirectory:
		def, ok = gpsTag(tag)
	case interopDirectory:
		def, ok = interopTag(tag)
	default:
		if def, ok = imageTag(tag); !ok {
			def, ok = photoTag(tag)
		}
	}
	if ok {
		return def, true
	}
	prefix := "Exif"
	if d == gpsDirectory {
		prefix = "GPS"
	}
	return definition{name: fmt.Sprintf("%s_0x%04x", prefix, uint16(tag))}, false
}

func plain(name string) (definition, bool)             { return definition{name: name}, true }
func shown(name string, as display) (definition, bool) { return definition{name: name, as: as}, true }
func hidden() (definition, bool)                       { return definition{hidden: true}, true }

func oneOf(name string, choices ...named) (definition, bool) {
	return definition{name: name, as: asChoice, choices: choices}, true
}

// counted are choices whose values count from first.
func counted(name string, first int, names ...string) (definition, bool) {
	choices := make([]named, len(names))
	for i, n := range names {
		choices[i] = named{first + i, n}
	}
	return oneOf(name, choices...)
}

// imageTag defines the tags of the image itself (TIFF 6.0 and DC-008 §4.6.4).
func imageTag(tag tiff.Tag) (definition, bool) {
	switch tag {
	case 0x0100:
		return plain("ImageWidth")
	case 0x0101:
		return plain("ImageHeight")
	case 0x0102:
		return plain("BitsPerSample")
	case 0x0103:
		return oneOf("Compression", named{1, "Uncompressed"}, named{5, "LZW"}, named{6, "JPEG (old-style)"}, named{7, "JPEG"}, named{8, "Adobe Deflate"}, named{32773, "PackBits"})
	case 0x0106:
		return oneOf("PhotometricInterpretation", named{0, "WhiteIsZero"}, named{1, "BlackIsZero"}, named{2, "RGB"}, named{3, "RGB Palette"}, named{5, "CMYK"}, named{6, "YCbCr"})
	case 0x010E:
		return plain("ImageDescription")
	case 0x010F:
		return plain("Make")
	case 0x0110:
		return plain("Model")
	case 0x0112:
		return counted("Orientation", 1, "Horizontal (normal)", "Mirror horizontal", "Rotate 180", "Mirror vertical",
			"Mirror horizontal and rotate 270 CW", "Rotate 90 CW", "Mirror horizontal and rotate 90 CW", "Rotate 270 CW")
	case 0x0115:
		return plain("SamplesPerPixel")
	case 0x0116:
		return plain("RowsPerStrip")
	case 0x011A:
		return plain("XResolution")
	case 0x011B:
		return plain("YResolution")
	case 0x011C:
		return counted("PlanarConfiguration", 1, "Chunky", "Planar")
	case 0x0128:
		return counted("ResolutionUnit", 1, "None", "inches", "cm")
	case 0x0131:
		return plain("Software")
	case 0x0132:
		return plain("ModifyDate")
	case 0x013B:
		return plain("Artist")
	case 0x013C:
		return plain("HostComputer")
	case 0x013E:
		return plain("WhitePoint")
	case 0x013F:
		return plain("PrimaryChromaticities")
	case 0x0202:
		return plain("ThumbnailLength")
	case 0x0211:
		return plain("YCbCrCoefficients")
	case 0x0213:
		return counted("YCbCrPositioning", 1, "Centered", "Co-sited")
	case 0x0214:
		return plain("ReferenceBlackWhite")
	case 0x4746:
		return plain("Rating")
	case 0x4749:
		return plain("RatingPercent")
	case 0x8298:
		return plain("Copyright")
	case 0x9C9B:
		return shown("XPTitle", asWideText)
	case 0x9C9C:
		return shown("XPComment", asWideText)
	case 0x9C9D:
		return shown("XPAuthor", asWideText)
	case 0x9C9E:
		return shown("XPKeywords", asWideText)
	case 0x9C9F:
		return shown("XPSubject", asWideText)
	case 0x0111, 0x0117, 0x014A, 0x0201, 0x02BC, 0x83BB, 0x8649, 0x8769, 0x8773, 0x8825, 0x927C, 0xA005, 0xC4A5, 0xC6D2, 0xC6D3, 0xEA1C:
		// Strips, offsets, XMP, IPTC, Photoshop, profiles, directories, maker notes,
		// print settings, padding.
		return hidden()
	}
	return definition{}, false
}
