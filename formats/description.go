package formats

import (
	"time"

	"github.com/pims-cloud/pims/pixel"
)

// Description is everything about a slide that is known without its pixels.
// It is stored as it is in the sidecar's manifest; fields are never renamed.
type Description struct {
	Format           string     `json:"format"` // Info.ID
	Width            int        `json:"width"`  // pixels of level 0
	Height           int        `json:"height"`
	Depth            int        `json:"depth"`            // Z planes, at least 1
	Duration         int        `json:"duration"`         // T frames, at least 1
	ConcreteChannels int        `json:"concreteChannels"` // stored channel planes, at least 1
	Samples          int        `json:"samples"`          // samples per stored pixel, alpha not counted
	PixelType        pixel.Type `json:"pixelType"`
	SignificantBits  int        `json:"significantBits"`
	// FileSamples is the samples per pixel of the file, alpha not counted, where
	// the slide shows others: 4 of a CMYK JPEG, which is shown in RGB. 0 means
	// Samples. Since minor version 1.
	FileSamples int `json:"fileSamples,omitempty"`
	// Channels has ConcreteChannels × Samples entries.
	Channels []Channel `json:"channels"`

	PhysicalSizeX *float64   `json:"physicalSizeX,omitempty"` // µm per pixel of level 0
	PhysicalSizeY *float64   `json:"physicalSizeY,omitempty"`
	PhysicalSizeZ *float64   `json:"physicalSizeZ,omitempty"` // µm between planes
	FrameRate     *float64   `json:"frameRate,omitempty"`     // Hz
	AcquiredAt    *time.Time `json:"acquiredAt,omitempty"`    // as the scanner wrote it, no zone
	Text          *string    `json:"text,omitempty"`          // PIMS' "description"

	MicroscopeModel         *string  `json:"microscopeModel,omitempty"`
	NominalMagnification    *float64 `json:"nominalMagnification,omitempty"`
	CalibratedMagnification *float64 `json:"calibratedMagnification,omitempty"`

	// Levels are ordered from the finest; there is at least one.
	Levels []Level `json:"levels"`
	// Background is the RGB shown where nothing is stored.
	Background [3]uint8 `json:"background"`
}

// Channel is one channel as PIMS counts them: an RGB plane has three.
type Channel struct {
	Name         string   `json:"name"`
	Color        string   `json:"color,omitempty"`        // shortest CSS hex, "#f00"; "" when it has none
	EmissionNm   *float64 `json:"emissionNm,omitempty"`   // wavelength
	ExcitationNm *float64 `json:"excitationNm,omitempty"` // wavelength
}

// Level is one resolution. Tiles are numbered row by row; those at the right
// and bottom edge are stored whole and clipped when shown, except where Strips
// says otherwise.
type Level struct {
	Width      int `json:"width"` // pixels
	Height     int `json:"height"`
	TileWidth  int `json:"tileWidth"`
	TileHeight int `json:"tileHeight"`
	Encoding   int `json:"encoding"` // index into TileLocator.Encodings
	// Strips says that the level is not tiled: a tile has the level's width,
	// and the last one is stored with the rows only that lie in the level.
	Strips bool `json:"strips,omitempty"`
}

// StoredSize is the size in pixels that a tile has when it is decoded.
func (l Level) StoredSize(tile int) (width, height int) {
	if !l.Strips {
		return l.TileWidth, l.TileHeight
	}
	return l.Width, min(l.TileHeight, l.Height-tile*l.TileHeight)
}

// TilesAcross is the number of tile columns.
func (l Level) TilesAcross() int { return (l.Width + l.TileWidth - 1) / l.TileWidth }

// TilesDown is the number of tile rows.
func (l Level) TilesDown() int { return (l.Height + l.TileHeight - 1) / l.TileHeight }

// Tiles is the number of tiles of one plane.
func (l Level) Tiles() int { return l.TilesAcross() * l.TilesDown() }

// Planes is the number of stored planes of every level.
func (d *Description) Planes() int { return d.ConcreteChannels * d.Depth * d.Duration }

// PlaneNumber is the plane's position in the index: T slowest, then Z, then C.
func (d *Description) PlaneNumber(p Plane) int {
	return (p.T*d.Depth+p.Z)*d.ConcreteChannels + p.C
}
