package tiff

import (
	"strconv"
	"strings"
)

// Scheme is a value of the tag Compression.
type Scheme uint16

// The compression schemes of slides.
const (
	CompressionNone              Scheme = 1
	CompressionCCITTRLE          Scheme = 2
	CompressionCCITTT4           Scheme = 3
	CompressionCCITTT6           Scheme = 4
	CompressionLZW               Scheme = 5
	CompressionOldJPEG           Scheme = 6
	CompressionJPEG              Scheme = 7
	CompressionAdobeDeflate      Scheme = 8
	CompressionJPEGXRNDPI        Scheme = 22610
	CompressionPackBits          Scheme = 32773
	CompressionDeflate           Scheme = 32946
	CompressionAperioJP2000YCbCr Scheme = 33003 // raw codestream, Y Cb Cr, no transform inside
	CompressionJPEG2000Lossy     Scheme = 33004
	CompressionAperioJP2000RGB   Scheme = 33005 // raw codestream, R G B
	CompressionJPEG2000          Scheme = 34712
	CompressionLERC              Scheme = 34887
	CompressionLZMA              Scheme = 34925
	CompressionPNG               Scheme = 34933
	CompressionJPEGXR            Scheme = 34934
	CompressionZstd              Scheme = 50000
	CompressionWebP              Scheme = 50001
	CompressionJPEGXL            Scheme = 50002
)

// String is tifffile's name ("ADOBE_DEFLATE"), or the number.
func (s Scheme) String() string { return nameOrNumber(schemeName(s), uint64(s)) }

func schemeName(s Scheme) string {
	switch s {
	case CompressionNone:
		return "NONE"
	case CompressionCCITTRLE:
		return "CCITTRLE"
	case CompressionCCITTT4:
		return "CCITT_T4"
	case CompressionCCITTT6:
		return "CCITT_T6"
	case CompressionLZW:
		return "LZW"
	case CompressionOldJPEG:
		return "OJPEG"
	case CompressionJPEG:
		return "JPEG"
	case CompressionAdobeDeflate:
		return "ADOBE_DEFLATE"
	case 9:
		return "JBIG_BW"
	case 10:
		return "JBIG_COLOR"
	case 99:
		return "JPEG_99"
	case CompressionJPEGXRNDPI:
		return "JPEGXR_NDPI"
	case 32766:
		return "NEXT"
	case 32771:
		return "CCIRLEW"
	case CompressionPackBits:
		return "PACKBITS"
	case 32809:
		return "THUNDERSCAN"
	case 32908:
		return "PIXARFILM"
	case 32909:
		return "PIXARLOG"
	case CompressionDeflate:
		return "DEFLATE"
	case CompressionAperioJP2000YCbCr:
		return "APERIO_JP2000_YCBC"
	case CompressionJPEG2000Lossy:
		return "JPEG_2000_LOSSY"
	case CompressionAperioJP2000RGB:
		return "APERIO_JP2000_RGB"
	case 33007:
		return "ALT_JPEG"
	case 34661:
		return "JBIG"
	case 34676:
		return "SGILOG"
	case 34677:
		return "SGILOG24"
	case CompressionJPEG2000:
		return "JPEG2000"
	case 34715:
		return "JBIG2"
	case CompressionLERC:
		return "LERC"
	case 34892:
		return "JPEG_LOSSY"
	case CompressionLZMA:
		return "LZMA"
	case 34926:
		return "ZSTD_DEPRECATED"
	case 34927:
		return "WEBP_DEPRECATED"
	case CompressionPNG:
		return "PNG"
	case CompressionJPEGXR:
		return "JPEGXR"
	case CompressionZstd:
		return "ZSTD"
	case CompressionWebP:
		return "WEBP"
	case CompressionJPEGXL:
		return "JPEGXL"
	case 52546:
		return "JPEGXL_DNG"
	default:
		return ""
	}
}

// Photometric is a value of the tag PhotometricInterpretation.
type Photometric uint16

// The photometric interpretations (TIFF 6.0 §8, §16 to §23).
const (
	PhotometricMinIsWhite Photometric = 0
	PhotometricMinIsBlack Photometric = 1
	PhotometricRGB        Photometric = 2
	PhotometricPalette    Photometric = 3
	PhotometricMask       Photometric = 4
	PhotometricSeparated  Photometric = 5
	PhotometricYCbCr      Photometric = 6
	PhotometricCIELab     Photometric = 8
	PhotometricICCLab     Photometric = 9
	PhotometricITULab     Photometric = 10
	PhotometricCFA        Photometric = 32803
	PhotometricLogL       Photometric = 32844
	PhotometricLogLuv     Photometric = 32845
	PhotometricLinearRaw  Photometric = 34892
)

// String is tifffile's name ("MINISBLACK"), or the number.
func (p Photometric) String() string { return nameOrNumber(photometricName(p), uint64(p)) }

func photometricName(p Photometric) string {
	switch p {
	case PhotometricCFA:
		return "CFA"
	case PhotometricLogL:
		return "LOGL"
	case PhotometricLogLuv:
		return "LOGLUV"
	case PhotometricLinearRaw:
		return "LINEAR_RAW"
	}
	return pick(uint64(p), "MINISWHITE", "MINISBLACK", "RGB", "PALETTE", "MASK", "SEPARATED", "YCBCR", "", "CIELAB", "ICCLAB", "ITULAB")
}

// EnumName is the name of an enumerated value as tifffile prints it, in capitals
// ("LZW", "TOPLEFT", "CENTIMETER"); false for a tag that is no enumeration and
// for a value without a name.
func EnumName(tag Tag, value uint64) (string, bool) {
	name := ""
	switch tag {
	case NewSubfileType:
		name = fileTypeName(value)
	case SubfileType:
		name = pick(value, "UNDEFINED", "IMAGE", "REDUCEDIMAGE", "PAGE")
	case Compression:
		if value <= 0xffff {
			name = schemeName(Scheme(value))
		}
	case PhotometricInterpretation:
		if value <= 0xffff {
			name = photometricName(Photometric(value))
		}
	case 263:
		name = pick(value, "", "BILEVEL", "HALFTONE", "ERRORDIFFUSE")
	case FillOrder:
		name = pick(value, "", "MSB2LSB", "LSB2MSB")
	case Orientation:
		name = pick(value, "", "TOPLEFT", "TOPRIGHT", "BOTRIGHT", "BOTLEFT", "LEFTTOP", "RIGHTTOP", "RIGHTBOT", "LEFTBOT")
	case PlanarConfiguration:
		name = pick(value, "", "CONTIG", "SEPARATE")
	case ResolutionUnit:
		name = pick(value, "", "NONE", "INCH", "CENTIMETER", "MILLIMETER", "MICROMETER")
	case Predictor:
		name = pick(value, "", "NONE", "HORIZONTAL", "FLOATINGPOINT")
	case ExtraSamples:
		name = pick(value, "UNSPECIFIED", "ASSOCALPHA", "UNASSALPHA")
	case SampleFormat:
		name = pick(value, "", "UINT", "INT", "IEEEFP", "VOID", "COMPLEXINT", "COMPLEXIEEEFP")
	}
	return name, name != ""
}

// fileTypeName joins the flags of NewSubfileType.
func fileTypeName(value uint64) string {
	if value == 0 {
		return "UNDEFINED"
	}
	var names []string
	for bit, name := range []string{"REDUCEDIMAGE", "PAGE", "MASK", "MACRO", "ENHANCED"} {
		if value&(1<<bit) != 0 {
			names = append(names, name)
			value &^= 1 << bit
		}
	}
	if value != 0 {
		return ""
	}
	return strings.Join(names, "|")
}

func pick(value uint64, names ...string) string {
	if value < uint64(len(names)) {
		return names[value]
	}
	return ""
}

func nameOrNumber(name string, value uint64) string {
	if name == "" {
		return strconv.FormatUint(value, 10)
	}
	return name
}
