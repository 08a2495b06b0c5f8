package formats

import (
	"context"

	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// Info says what a format is, in the words of PIMS' /formats.
type Info struct {
	ID          string // upper case, the extension of original.<ID>, for example "SVS"
	Name        string // "Leica Aperio SVS"
	Remarks     string // how files must be packed, "" if there is nothing to say
	MediaType   string // of the file as it is, for exports
	Convertible bool   // whether imports may convert it
	Writable    bool   // whether the service writes it
	Importable  bool   // whether uploads of it are accepted
	Plugin      string // who provides it, "pims" for the built-in ones
}

// Format recognises and opens one kind of slide. It is stateless and safe for
// concurrent use.
type Format interface {
	// Info never changes during the life of the process.
	Info() Info
	// Probe tells whether the candidate is of this format. It looks at
	// content, never at the file name alone, and a "no" costs at most two
	// range reads beyond what the candidate already holds. A file that is
	// broken in a way that leaves the format open is a "no", not an error;
	// errors are for failed reads.
	Probe(ctx context.Context, c *Candidate) (Match, error)
	// Open reads structure only, never pixels, and bounds what it reads by
	// what the bundle really has. Kind Corrupt when the structure contradicts
	// itself, Unsupported when it is right but not understood.
	Open(ctx context.Context, bundle source.Bundle) (Image, error)
}

// Match is a format's answer to Probe.
type Match struct {
	OK  bool
	Why string // the rule that decided, for `pims inspect` and reports
}

// Image is one opened slide. It is safe for concurrent use and holds no
// resources that need closing.
type Image interface {
	// Describe gives what is known without reading pixels. The result belongs
	// to the caller.
	Describe(ctx context.Context) (*Description, error)
}

// Plane is one (c, z, t) of a level; channel counts stored (concrete) channels.
type Plane struct {
	C int `json:"c"`
	Z int `json:"z"`
	T int `json:"t"`
}

// Extent is where the bytes of one tile are.
type Extent struct {
	Source int   // index into Sources of the TileLocator
	Offset int64 // bytes from the start of the source, below 2^48
	Length int64 // bytes, below 2^32
	Blank  bool  // nothing is stored: the tile shows the background
}

// TileLocator is an Image whose tiles can each be read with one range read.
type TileLocator interface {
	// Sources names the bundle's sequences that extents point into.
	Sources() []string
	// Encodings lists the distinct ways in which tiles are encoded. Level.Encoding
	// of the description points into it.
	Encodings() []Encoding
	// Locate returns the extents of count tiles of a level and plane, from
	// tile number first on, in row-major order. Extents lie within the source.
	Locate(ctx context.Context, level int, plane Plane, first, count int) ([]Extent, error)
}

// RegionReader is an Image that gives pixels of any region of a level. It is
// asked only for images that are not TileLocators.
type RegionReader interface {
	// ReadRegion gives the pixels of a rectangle that lies within the level,
	// with the Samples and the PixelType of the description; alpha is laid over
	// black. Kind Invalid for what does not exist. Reading bands of full width
	// from the top to the bottom is cheapest. The raster belongs to the caller.
	ReadRegion(ctx context.Context, level int, plane Plane, x, y, width, height int) (*pixel.Raster, error)
}

// Associated names: what PIMS calls an associated image.
const (
	AssociatedThumb = "thumb"
	AssociatedLabel = "label"
	AssociatedMacro = "macro"
)

// Associated is one associated image of a slide.
type Associated struct {
	Name          string // one of the constants
	Width, Height int    // pixels
	Samples       int    // channels, alpha not counted
}

// AssociatedImages is an Image with a label, a macro or a thumbnail.
type AssociatedImages interface {
	// Associated lists them in the order thumb, label, macro.
	Associated(ctx context.Context) ([]Associated, error)
	// ReadAssociated decodes one, 8 bits a sample; kind NotFound for a name
	// that is not listed.
	ReadAssociated(ctx context.Context, name string) (*pixel.Raster, error)
}

// Metadatum is one raw key and value as the file has it.
type Metadatum struct {
	Namespace string // upper case, "TIFF", "APERIO"; "" when there is none
	Key       string
	Value     any    // string, bool, int64, float64, []any or map[string]any
	Type      string // PIMS' type name; "" lets MetadataType decide
}

// RawMetadata is an Image with key/value metadata of its own.
type RawMetadata interface {
	// RawMetadata lists them in file order per namespace, namespaces in order
	// of first use (pims-api §3.2, §5.5).
	RawMetadata(ctx context.Context) ([]Metadatum, error)
}

// Annotation is one annotation stored inside a file.
type Annotation struct {
	Geometry   string // WKT, origin top left, full resolution
	Terms      []string
	Properties map[string]any
	Planes     []Plane
}

// Annotations is an Image that carries annotations.
type Annotations interface {
	Annotations(ctx context.Context) ([]Annotation, error)
}

// Checker is an Image that can verify itself beyond its structure.
type Checker interface {
	// Check reads what it must and reports the first contradiction as kind
	// Corrupt, naming the byte or tag.
	Check(ctx context.Context) error
}

// ColorProfile is an Image whose pixels come with an ICC profile.
type ColorProfile interface {
	// ICCProfile gives the profile of level 0, nil when there is none.
	ICCProfile(ctx context.Context) ([]byte, error)
}
