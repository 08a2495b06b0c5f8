package slide

import (
	"time"

	"github.com/pims-cloud/pims/formats"
)

// Manifest is the JSON part of a sidecar: everything about a slide except
// where its tiles are. docs/sidecar-format.md specifies it.
type Manifest struct {
	// Version identifies the slide's bytes and index: 16 hex digits. It stands
	// in every ETag and cache key.
	Version   string    `json:"version"`
	Creator   string    `json:"creator"` // program and version that wrote the sidecar
	CreatedAt time.Time `json:"createdAt"`
	// Name is the sanitised file name: the slide's path is "<id>/<name>".
	Name string `json:"name"`
	// OriginalName is the name as the user gave it.
	OriginalName string `json:"originalName"`
	// Sources are what tiles are read from.
	Sources []SourceObject `json:"sources"`
	// Originals are the objects that were uploaded, once Sources are those that
	// a conversion made of them; else empty. Since minor version 1.
	Originals []SourceObject `json:"originals,omitempty"`
	// Spatial is the format (formats.Info.ID) of converted Sources; "" when they
	// are of the description's. Since minor version 1.
	Spatial     string              `json:"spatial,omitempty"`
	Description formats.Description `json:"description"`
	Encodings   []formats.Encoding  `json:"encodings"`
	Associated  []Associated        `json:"associated,omitempty"`
	// Bounds has the least and greatest value of every channel, sampled at
	// import; empty when they are not known.
	Bounds []Bounds `json:"bounds,omitempty"`
	// Index says where the pages of every level are; Encode fills it. It has
	// one entry a level, in level order.
	Index []LevelIndex `json:"index"`
}

// Uploaded are the objects as the user gave them, converted or not.
func (m *Manifest) Uploaded() []SourceObject {
	if len(m.Originals) > 0 {
		return m.Originals
	}
	return m.Sources
}

// SpatialFormat is the format of what tiles are read from.
func (m *Manifest) SpatialFormat() string {
	if m.Spatial != "" {
		return m.Spatial
	}
	return m.Description.Format
}

// Where a source object lies.
const (
	InSlides  = "slides"  // the slides store, beside the sidecar
	InUploads = "uploads" // the uploads store, registered in place
	InFile    = "file"    // a file of this machine, Key is its absolute path
)

// SourceObject is one object that tiles are read from.
type SourceObject struct {
	In   string `json:"in"` // InSlides, InUploads or InFile
	Key  string `json:"key"`
	Size int64  `json:"size"` // bytes
	ETag string `json:"etag"`
}

// Associated is one associated image, stored decoded and re-encoded.
type Associated struct {
	Name      string `json:"name"` // formats.AssociatedThumb, …Label, …Macro
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Samples   int    `json:"samples"`
	Key       string `json:"key"` // in the slides store
	MediaType string `json:"mediaType"`
}

// Bounds is the least and greatest sample value of one channel.
type Bounds struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// LevelIndex is where the pages of one level are. Page p of plane n starts at
// Offset + n×PlaneBytes + p×(TilesPerPage×entryBytes + 4).
type LevelIndex struct {
	Offset     int64 `json:"offset"`     // bytes from the end of the manifest
	PlaneBytes int64 `json:"planeBytes"` // bytes of all pages of one plane
}
