package tiff

import "strconv"

// Tag is the number of a field. Its String is the name in libtiff's and
// tifffile's lists, or the number in decimal when nobody named it.
type Tag uint16

// The tags that readers and writers of slides use.
const (
	NewSubfileType            Tag = 254
	SubfileType               Tag = 255
	ImageWidth                Tag = 256
	ImageLength               Tag = 257
	BitsPerSample             Tag = 258
	Compression               Tag = 259
	PhotometricInterpretation Tag = 262
	FillOrder                 Tag = 266
	DocumentName              Tag = 269
	ImageDescription          Tag = 270
	Make                      Tag = 271
	Model                     Tag = 272
	StripOffsets              Tag = 273
	Orientation               Tag = 274
	SamplesPerPixel           Tag = 277
	RowsPerStrip              Tag = 278
	StripByteCounts           Tag = 279
	MinSampleValue            Tag = 280
	MaxSampleValue            Tag = 281
	XResolution               Tag = 282
	YResolution               Tag = 283
	PlanarConfiguration       Tag = 284
	PageName                  Tag = 285
	XPosition                 Tag = 286
	YPosition                 Tag = 287
	ResolutionUnit            Tag = 296
	PageNumber                Tag = 297
	Software                  Tag = 305
	DateTime                  Tag = 306
	Artist                    Tag = 315
	HostComputer              Tag = 316
	Predictor                 Tag = 317
	ColorMap                  Tag = 320
	TileWidth                 Tag = 322
	TileLength                Tag = 323
	TileOffsets               Tag = 324
	TileByteCounts            Tag = 325
	SubIFDs                   Tag = 330
	InkSet                    Tag = 332
	ExtraSamples              Tag = 338
	SampleFormat              Tag = 339
	SMinSampleValue           Tag = 340
	SMaxSampleValue           Tag = 341
	JPEGTables                Tag = 347
	JPEGInterchangeFormat     Tag = 513
	JPEGInterchangeLength     Tag = 514
	YCbCrCoefficients         Tag = 529
	YCbCrSubSampling          Tag = 530
	YCbCrPositioning          Tag = 531
	ReferenceBlackWhite       Tag = 532
	XMP                       Tag = 700
	ImageDepth                Tag = 32997
	TileDepth                 Tag = 32998
	Copyright                 Tag = 33432
	IPTC                      Tag = 33723
	ExifIFD                   Tag = 34665
	ICCProfile                Tag = 34675
	GeoKeyDirectory           Tag = 34735
	GPSIFD                    Tag = 34853
	GDALMetadata              Tag = 42112
	GDALNoData                Tag = 42113
	IJMetadataByteCounts      Tag = 50838
	IJMetadata                Tag = 50839
)

// String is the tag's name, or its number in decimal.
func (t Tag) String() string {
	if name := tagName(t); name != "" {
		return name
	}
	return strconv.Itoa(int(t))
}
