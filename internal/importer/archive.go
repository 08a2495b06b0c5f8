package importer

import "github.com/pims-cloud/pims/internal/slide"

// Archive is what import.json tells of an archive. Fields are never renamed.
type Archive struct {
	Format   string  `json:"format"`   // ZIP, TAR, GZTAR, BZTAR, XZTAR, GZ, BZ2 or XZ
	Children []Child `json:"children"` // in the order of the archive
}

// Child is one file of an archive.
type Child struct {
	Name  string   `json:"name"` // as the archive has it
	ID    slide.ID `json:"id,omitempty"`
	Error *Reason  `json:"error,omitempty"` // why it was not queued
}
