package exif

import "github.com/pims-cloud/pims/tiff"

// photoTag defines the tags of the EXIF directory (DC-008 §4.6.5).
func photoTag(tag tiff.Tag) (definition, bool) {
	if def, ok := cameraTag(tag); ok {
		return def, true
	}
	switch tag {
	case 0x9000:
		return shown("ExifVersion", asBytesText)
	case 0x9003:
		return plain("DateTimeOriginal")
	case 0x9004:
		return plain("CreateDate")
	case 0x9010:
		return plain("OffsetTime")
	case 0x9011:
		return plain("OffsetTimeOriginal")
	case 0x9012:
		return plain("OffsetTimeDigitized")
	case 0x9101:
		return shown("ComponentsConfiguration", asComponents)
	case 0x9102:
		return plain("CompressedBitsPerPixel")
	case 0x9286:
		return shown("UserComment", asComment)
	case 0x9290:
		return plain("SubSecTime")
	case 0x9291:
		return plain("SubSecTimeOriginal")
	case 0x9292:
		return plain("SubSecTimeDigitized")
	case 0xA000:
		return shown("FlashpixVersion", asBytesText)
	case 0xA001:
		return oneOf("ColorSpace", named{1, "sRGB"}, named{2, "Adobe RGB"}, named{0xFFFF, "Uncalibrated"})
	case 0xA002:
		return plain("ExifImageWidth")
	case 0xA003:
		return plain("ExifImageHeight")
	case 0xA004:
		return plain("RelatedSoundFile")
	case 0xA20E:
		return plain("FocalPlaneXResolution")
	case 0xA20F:
		return plain("FocalPlaneYResolution")
	case 0xA210:
		return counted("FocalPlaneResolutionUnit", 1, "None", "inches", "cm", "mm", "um")
	case 0xA300:
		return counted("FileSource", 1, "Film Scanner", "Reflection Print Scanner", "Digital Camera")
	case 0xA301:
		return counted("SceneType", 1, "Directly photographed")
	case 0xA420:
		return plain("ImageUniqueID")
	case 0xA430:
		return plain("OwnerName")
	case 0xA431:
		return plain("SerialNumber")
	case 0xA432:
		return plain("LensInfo")
	case 0xA433:
		return plain("LensMake")
	case 0xA434:
		return plain("LensModel")
	case 0xA435:
		return plain("LensSerialNumber")
	case 0xA500:
		return plain("Gamma")
	case 0xA302, 0xA40B: // the sensor's colour filter, device settings: bytes
		return hidden()
	}
	return definition{}, false
}

// cameraTag defines how the picture was taken.
func cameraTag(tag tiff.Tag) (definition, bool) {
	switch tag {
	case 0x829A:
		return shown("ExposureTime", asExposure)
	case 0x829D:
		return shown("FNumber", asFNumber)
	case 0x8822:
		return counted("ExposureProgram", 0, "Not Defined", "Manual", "Program AE", "Aperture-priority AE", "Shutter speed priority AE",
			"Creative (Slow speed)", "Action (High speed)", "Portrait", "Landscape", "Bulb")
	case 0x8827:
		return plain("ISO")
	case 0x8830:
		return counted("SensitivityType", 0, "Unknown", "Standard Output Sensitivity", "Recommended Exposure Index", "ISO Speed")
	case 0x9201:
		return shown("ShutterSpeedValue", asShutter)
	case 0x9202:
		return shown("ApertureValue", asAperture)
	case 0x9203:
		return plain("BrightnessValue")
	case 0x9204:
		return shown("ExposureCompensation", asFraction)
	case 0x9205:
		return shown("MaxApertureValue", asAperture)
	case 0x9206:
		return shown("SubjectDistance", asMetres)
	case 0x9207:
		return oneOf("MeteringMode", named{0, "Unknown"}, named{1, "Average"}, named{2, "Center-weighted average"}, named{3, "Spot"},
			named{4, "Multi-spot"}, named{5, "Multi-segment"}, named{6, "Partial"}, named{255, "Other"})
	case 0x9208:
		return oneOf("LightSource", named{0, "Unknown"}, named{1, "Daylight"}, named{2, "Fluorescent"}, named{3, "Tungsten (Incandescent)"},
			named{4, "Flash"}, named{9, "Fine Weather"}, named{10, "Cloudy"}, named{11, "Shade"},
			named{12, "Daylight Fluorescent"}, named{13, "Day White Fluorescent"}, named{14, "Cool White Fluorescent"}, named{15, "White Fluorescent"},
			named{16, "Warm White Fluorescent"}, named{17, "Standard Light A"}, named{18, "Standard Light B"}, named{19, "Standard Light C"},
			named{20, "D55"}, named{21, "D65"}, named{22, "D75"}, named{23, "D50"}, named{24, "ISO Studio Tungsten"}, named{255, "Other"})
	case 0x9209:
		return flash()
	case 0x920A:
		return shown("FocalLength", asMillimetres)
	case 0xA215:
		return plain("ExposureIndex")
	case 0xA217:
		return oneOf("SensingMethod", named{1, "Not defined"}, named{2, "One-chip color area"}, named{3, "Two-chip color area"},
			named{4, "Three-chip color area"}, named{5, "Color sequential area"}, named{7, "Trilinear"}, named{8, "Color sequential linear"})
	case 0xA401:
		return counted("CustomRendered", 0, "Normal", "Custom")
	case 0xA402:
		return counted("ExposureMode", 0, "Auto", "Manual", "Auto bracket")
	case 0xA403:
		return counted("WhiteBalance", 0, "Auto", "Manual")
	case 0xA404:
		return plain("DigitalZoomRatio")
	case 0xA405:
		return shown("FocalLengthIn35mmFormat", asWholeMillimetres)
	case 0xA406:
		return counted("SceneCaptureType", 0, "Standard", "Landscape", "Portrait", "Night")
	case 0xA407:
		return counted("GainControl", 0, "None", "Low gain up", "High gain up", "Low gain down", "High gain down")
	case 0xA408:
		return counted("Contrast", 0, "Normal", "Low", "High")
	case 0xA409:
		return counted("Saturation", 0, "Normal", "Low", "High")
	case 0xA40A:
		return counted("Sharpness", 0, "Normal", "Soft", "Hard")
	case 0xA40C:
		return counted("SubjectDistanceRange", 0, "Unknown", "Macro", "Close", "Distant")
	}
	return definition{}, false
}

func flash() (definition, bool) {
	return oneOf("Flash", named{0x00, "No Flash"}, named{0x01, "Fired"}, named{0x05, "Fired, Return not detected"}, named{0x07, "Fired, Return detected"},
		named{0x08, "On, Did not fire"}, named{0x09, "On, Fired"}, named{0x0D, "On, Return not detected"}, named{0x0F, "On, Return detected"},
		named{0x10, "Off, Did not fire"}, named{0x18, "Auto, Did not fire"}, named{0x19, "Auto, Fired"}, named{0x1D, "Auto, Fired, Return not detected"},
		named{0x1F, "Auto, Fired, Return detected"}, named{0x20, "No flash function"}, named{0x30, "Off, No flash function"},
		named{0x41, "Fired, Red-eye reduction"}, named{0x45, "Fired, Red-eye reduction, Return not detected"}, named{0x47, "Fired, Red-eye reduction, Return detected"},
		named{0x49, "On, Red-eye reduction"}, named{0x4D, "On, Red-eye reduction, Return not detected"}, named{0x4F, "On, Red-eye reduction, Return detected"},
		named{0x50, "Off, Red-eye reduction"}, named{0x58, "Auto, Did not fire, Red-eye reduction"}, named{0x59, "Auto, Fired, Red-eye reduction"},
		named{0x5D, "Auto, Fired, Red-eye reduction, Return not detected"}, named{0x5F, "Auto, Fired, Red-eye reduction, Return detected"})
}

// gpsTag defines where (DC-008 §4.6.6).
func gpsTag(tag tiff.Tag) (definition, bool) {
	switch tag {
	case 0x00:
		return shown("GPSVersionID", asVersionBytes)
	case 0x01:
		return shown("GPSLatitudeRef", asCompass)
	case 0x02:
		return shown("GPSLatitude", asDegrees)
	case 0x03:
		return shown("GPSLongitudeRef", asCompass)
	case 0x04:
		return shown("GPSLongitude", asDegrees)
	case 0x05:
		return counted("GPSAltitudeRef", 0, "Above Sea Level", "Below Sea Level")
	case 0x06:
		return shown("GPSAltitude", asMetres)
	case 0x07:
		return shown("GPSTimeStamp", asClock)
	case 0x12:
		return plain("GPSMapDatum")
	case 0x1D:
		return plain("GPSDateStamp")
	case 0x1B, 0x1C: // method and area: text behind a character set
		return hidden()
	}
	return definition{}, false
}

func interopTag(tag tiff.Tag) (definition, bool) {
	switch tag {
	case 1:
		return shown("InteropIndex", asInterop)
	case 2:
		return shown("InteropVersion", asBytesText)
	}
	return definition{}, false
}
