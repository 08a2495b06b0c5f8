package slide

import (
	"strings"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/fault"
)

// ID names a slide: "upload-" and a UUID in lower case. Everything that is
// stored of a slide lies below the prefix of that name.
type ID string

const idPrefix = "upload-"

// idSpace is the UUIDv5 name space of slide ids. It must never change: a
// duplicate upload event finds the slide by deriving the same id again.
var idSpace = uuid.MustParse("6f6b7a2e-54a1-5d0b-9c5e-2b1f7c0a9d31")

// ParseID accepts exactly what DeriveID makes; kind NotFound otherwise,
// because to a client a malformed id is a slide that does not exist.
func ParseID(s string) (ID, error) {
	rest, ok := strings.CutPrefix(s, idPrefix)
	if ok && len(rest) == 36 && strings.ToLower(rest) == rest {
		if _, err := uuid.Parse(rest); err == nil {
			return ID(s), nil
		}
	}
	return "", fault.New(fault.NotFound, "slide-not-found", "There is no slide %q.", s)
}

// DeriveID gives the id of one version of one upload (RFC 9562 §5.5), so that
// the same event, delivered twice, names the same slide.
func DeriveID(bucket, key, etag string) ID {
	name := bucket + "\x00" + key + "\x00" + etag
	return ID(idPrefix + uuid.NewSHA1(idSpace, []byte(name)).String())
}

// PathID splits a path as PIMS' URLs carry it, "upload-<uuid>/<rest>", already
// percent-decoded. Absolute paths, empty elements and dot elements are refused
// as a missing slide (kind NotFound): nothing may leave the slide's prefix.
func PathID(path string) (id ID, rest string, err error) {
	first, rest, _ := strings.Cut(path, "/")
	id, err = ParseID(first)
	if err != nil {
		return "", "", fault.New(fault.NotFound, "slide-not-found", "The filepath %s does not exist.", path)
	}
	if rest == "" {
		return id, "", nil
	}
	for element := range strings.SplitSeq(rest, "/") {
		if element == "" || element == "." || element == ".." {
			return "", "", fault.New(fault.NotFound, "slide-not-found", "The filepath %s does not exist.", path)
		}
	}
	return id, rest, nil
}

// Prefix is where everything of the slide lies, with a trailing slash.
func (id ID) Prefix() string { return string(id) + "/" }

// SourceKey is the key of the upload as it came.
func (id ID) SourceKey(name string) string { return id.Prefix() + name }

// SidecarKey is the key of manifest and index. The slide exists once this does.
func (id ID) SidecarKey() string { return id.Prefix() + "processed/slide.pims" }

// ReportKey is the key of the import's state and report.
func (id ID) ReportKey() string { return id.Prefix() + "processed/import.json" }

// MetadataKey is the key of the raw metadata.
func (id ID) MetadataKey() string { return id.Prefix() + "processed/metadata.json" }

// VisualisationKey is the key of the COG that a conversion made.
func (id ID) VisualisationKey() string { return id.Prefix() + "processed/visualisation.tif" }

// AnnotationsKey is the key of the annotations found inside the file.
func (id ID) AnnotationsKey() string { return id.Prefix() + "processed/annotations.json" }

// HistogramKey is the key of the histograms.
func (id ID) HistogramKey() string { return id.Prefix() + "processed/histogram.json" }

// AssociatedKey is the key of an associated image; ext is without dot.
func (id ID) AssociatedKey(name, ext string) string {
	return id.Prefix() + "processed/associated/" + name + "." + ext
}
