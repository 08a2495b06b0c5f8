package tiffpage

import (
	"context"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/tiff"
)

// Flavour is a vendor's or program's way of using TIFF, told by tags of the
// first page (pims-api §5.2). GeoTIFF is none here, unlike in PIMS, which
// refuses it: its tags say where on Earth the pixels are, and no more.
type Flavour string

// The flavours. Those after SIS are not formats themselves; they only keep a
// file from being taken for a plain pyramid or a plain image.
const (
	SVS       Flavour = "Aperio SVS"
	NDPI      Flavour = "Hamamatsu NDPI"
	SCN       Flavour = "Leica SCN"
	Philips   Flavour = "Philips TIFF"
	BIF       Flavour = "Ventana BIF"
	OME       Flavour = "OME-TIFF"
	ImageJ    Flavour = "ImageJ TIFF"
	SIS       Flavour = "Olympus SIS"
	LSM       Flavour = "Zeiss LSM"
	FluoView  Flavour = "Olympus FluoView"
	STK       Flavour = "MetaMorph STK"
	MDGel     Flavour = "Molecular Dynamics GEL"
	QPI       Flavour = "PerkinElmer QPI"
	ScanImage Flavour = "ScanImage TIFF"
)

// Tags that only flavours use.
const (
	tagSISMetadata  tiff.Tag = 33560
	tagSISIni       tiff.Tag = 33471
	tagNDPI         tiff.Tag = 65420
	tagLSM          tiff.Tag = 34412
	tagFluoView     tiff.Tag = 34362
	tagSTK          tiff.Tag = 33628
	tagMDGel        tiff.Tag = 33445
	scanImageWindow          = 256 // bytes at the end of a description that are searched
)

// Flavours is the set of flavours that one file has, mostly none or one, in
// the order of the constants.
type Flavours []Flavour

// Has reports whether the flavour is among them.
func (fs Flavours) Has(f Flavour) bool { return slices.Contains(fs, f) }

// String lists them for reports.
func (fs Flavours) String() string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = string(f)
	}
	return strings.Join(names, " and ")
}

// FlavoursOf reads the texts of the first page and applies all tests. Texts
// are compared without the white space around them. An error is one of
// reading; a text that cannot be believed counts as absent.
func FlavoursOf(ctx context.Context, first *tiff.IFD) (Flavours, error) {
	description, err := Text(ctx, first, tiff.ImageDescription)
	if err != nil {
		return nil, err
	}
	software, err := Text(ctx, first, tiff.Software)
	if err != nil {
		return nil, err
	}
	begins, ends := strings.HasPrefix, strings.HasSuffix
	tests := []struct {
		flavour Flavour
		holds   bool
	}{
		{SVS, begins(description, "Aperio ")},
		{NDPI, first.Has(tagNDPI) && first.Has(tiff.Make)},
		{SCN, ends(description, "</scn>")},
		{Philips, begins(software, "Philips DP") && ends(description, "</DataObject>")},
		{BIF, first.Has(tiff.XMP) && isVentana(software, description)},
		{OME, ends(description, "OME>")},
		{ImageJ, begins(description, "ImageJ=")},
		{SIS, first.Has(tagSISMetadata) || first.Has(tagSISIni)},
		{LSM, first.Has(tagLSM)},
		{FluoView, first.Has(tagFluoView)},
		{STK, first.Has(tagSTK)},
		{MDGel, first.Has(tagMDGel)},
		{QPI, begins(software, "PerkinElmer-QPI")},
		{ScanImage, isScanImage(software, description)},
	}
	var out Flavours
	for _, t := range tests {
		if t.holds {
			out = append(out, t.flavour)
		}
	}
	return out, nil
}

// IsMDGelPage is the one test that looks at the second page too.
func IsMDGelPage(page *tiff.IFD) bool { return page.Has(tagMDGel) }

func isVentana(software, description string) bool {
	switch description {
	case "Label Image", "Label_Image", "Probability_Image":
		return true
	}
	return strings.Contains(software, "Ventana") || strings.HasPrefix(software, "ScanOutputManager")
}

func isScanImage(software, description string) bool {
	end := description[max(0, len(description)-scanImageWindow):]
	return strings.HasPrefix(software, "SI.") || strings.HasPrefix(description, "state.") || strings.Contains(end, "scanimage.SI")
}
