// Package negotiate picks the media type of an image: by the extension glued to
// the URL, else by the Accept header, with PIMS' rules (pims-api §2.3). Unlike
// PIMS it accepts "*/*", by its first choice (§9.3 no. 1); a missing header
// stays a 406.
package negotiate

import (
	"net/http"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// The media types that images are written as.
const (
	WebP = "image/webp"
	JPG  = "image/jpg" // not a registered type, but one that PIMS' clients may ask for
	JPEG = "image/jpeg"
	PNG  = "image/png"
	APNG = "image/apng"
	// AVIF is not one of PIMS'. It is last of all, so that only who asks for
	// nothing else gets it: it takes many times as long to write as the others.
	AVIF = "image/avif"
)

// Types is an ordered list of media types that an endpoint can write.
type Types []string

// Visualisation is PIMS' order for pictures to look at.
func Visualisation() Types { return Types{WebP, JPG, JPEG, PNG, APNG, AVIF} }

// Processing is PIMS' order for pictures to compute with.
func Processing() Types { return Types{PNG, APNG, JPG, JPEG, WebP, AVIF} }

// Only keeps what this build can encode.
func (t Types) Only(can func(mediaType string) bool) Types {
	var out Types
	for _, mediaType := range t {
		if can(mediaType) {
			out = append(out, mediaType)
		}
	}
	return out
}

// extensionNames are PIMS', whose clients know the message.
func extensionNames() []string { return []string{"", ".jpg", ".png", ".webp"} }

// CheckExtension adds an issue when ext is none of PIMS' extensions or .avif.
func CheckExtension(ext string, found *problem.Validation) {
	switch ext {
	case "", ".jpg", ".png", ".webp", ".avif":
	default:
		found.Add(problem.Enum(ext, extensionNames(), "path", "extension"))
	}
}

// Choose gives the media type for an extension that CheckExtension accepted,
// or for the request's Accept header; the error is a 406. negotiated tells
// that the answer depends on the header.
func (t Types) Choose(ext string, header http.Header) (mediaType string, negotiated bool, err error) {
	switch ext {
	case ".jpg":
		mediaType = JPEG
	case ".png":
		mediaType = PNG
	case ".webp":
		mediaType = WebP
	case ".avif":
		mediaType = AVIF
	}
	if mediaType != "" {
		for _, have := range t {
			if have == mediaType {
				return mediaType, false, nil
			}
		}
		return "", false, t.none(accepted(header))
	}
	accept := accepted(header)
	wanted, anything := entries(accept)
	for _, have := range t {
		for _, w := range wanted {
			if matches(w, have) {
				return have, true, nil
			}
		}
	}
	if anything && len(t) > 0 {
		return t[0], true, nil
	}
	return "", true, t.none(accept)
}

func accepted(header http.Header) string { return strings.Join(header.Values("Accept"), ",") }

// none is the 406. It names PIMS' types alone: its clients know the list.
func (t Types) none(accept string) error {
	return problem.NotAcceptable(accept, t.Only(func(mediaType string) bool { return mediaType != AVIF }))
}

// entries are the media ranges of an Accept header without parameters: the
// quality values never influence PIMS' choice. PIMS ignores "*/*", so it only
// counts when nothing else fits.
func entries(accept string) (out []string, anything bool) {
	for _, entry := range strings.Split(accept, ",") {
		mediaRange, _, _ := strings.Cut(entry, ";")
		mediaRange = strings.ToLower(strings.TrimSpace(mediaRange))
		switch mediaRange {
		case "":
		case "*/*":
			anything = true
		default:
			out = append(out, mediaRange)
		}
	}
	return out, anything
}

func matches(mediaRange, mediaType string) bool {
	if mediaRange == "*" || mediaRange == mediaType {
		return true
	}
	major, _, _ := strings.Cut(mediaType, "/")
	return mediaRange == major+"/*"
}
