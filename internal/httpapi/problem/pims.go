package problem

import (
	"fmt"
	"net/http"

	"github.com/pims-cloud/pims/fault"
)

// FilepathNotFound is the answer to a path that names nothing.
func FilepathNotFound(path string) *Problem {
	return titled(http.StatusNotFound, "filepath-not-found", "Filepath not found",
		fmt.Sprintf("The filepath %s does not exist.", path))
}

// NoRepresentation is the answer to a path that exists without what was asked
// of it: a role (SPATIAL), an associated image (macro), or "" when unknown.
func NoRepresentation(path, expected string, extra ...Member) *Problem {
	details := fmt.Sprintf("The filepath %s does not have an appropriate representation", path)
	var representation any
	if expected != "" {
		details += fmt.Sprintf(" (expected %s)", expected)
		representation = expected
	}
	p := titled(http.StatusNotFound, "no-appropriate-representation", "No appropriate representation found", details)
	p.Extra = append([]Member{{"representation", representation}}, extra...)
	return p
}

// BadRequest has PIMS' generic title; the sentence says what is wrong.
func BadRequest(code, format string, args ...any) *Problem {
	return titled(http.StatusBadRequest, code, "Bad Request", fmt.Sprintf(format, args...))
}

// BadTitle is a 400 whose sentence stands in the title, with null details: PIMS
// does so for tile indexes and list sizes.
func BadTitle(code, format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: code, Title: fmt.Sprintf(format, args...)}
}

// FormatNotFound is the answer to an unknown format id.
func FormatNotFound(id string) *Problem {
	return titled(http.StatusNotFound, "format-not-found", "Format not found", fmt.Sprintf("The format %s does not exist.", id))
}

// ColormapNotFound is the answer to an unknown colormap id, upper-cased.
func ColormapNotFound(id string) *Problem {
	return titled(http.StatusNotFound, "colormap-not-found", "Colormap not found", fmt.Sprintf("The colormap %s does not exist.", id))
}

// FilterNotFound is the answer to an unknown filter id.
func FilterNotFound(id string) *Problem {
	return titled(http.StatusNotFound, "filter-not-found", "Filter not found", fmt.Sprintf("The filter %s does not exist.", id))
}

// NotAcceptable is the answer to an Accept header that names nothing we write.
func NotAcceptable(accept string, supported []string) *Problem {
	p := titled(http.StatusNotAcceptable, "not-acceptable", "No acceptable response mime type",
		"There is no acceptable response mime type in Accept header.")
	p.Extra = []Member{{"accept_header", accept}, {"supported_mimetypes", supported}}
	return p
}

// TooLargeOutput is the answer to an output above the size limit in mode
// SAFE_REJECT.
func TooLargeOutput(width, height, limit int) *Problem {
	p := titled(http.StatusBadRequest, "too-large-output", "Too large image output dimensions.",
		"Requested output dimensions exceed maximum admissible size. "+
			"The request has been rejected as X-Image-Size-Safety header is set to SAFE_REJECT. ")
	p.Extra = []Member{{"request_width", width}, {"request_height", height}, {"max_size", limit}}
	return p
}

// NotADirectory is the answer to a disk usage of a file.
func NotADirectory(path string) *Problem {
	return titled(http.StatusBadRequest, "not-a-directory", "Not a directory", fmt.Sprintf("The filepath %s is not a directory", path))
}

// UploadFailed is err in the shape that clients of /upload read. What is wrong
// with the file itself is a 400, whatever its kind.
func UploadFailed(err error) *Problem {
	p := *Of(err)
	p.upload = true
	switch fault.KindOf(err) {
	case fault.Unsupported, fault.Corrupt, fault.Invalid, fault.TooLarge:
		p.Status = http.StatusBadRequest
	}
	return &p
}

// Moved sends the client to another URL of the same thing. It is asked for anew
// each time: only the target may be kept.
func Moved(location string) *Problem {
	p := titled(http.StatusTemporaryRedirect, "slide-version", "Temporary Redirect",
		"The URL names a version of the slide that is not the present one.")
	p.Own, p.Location = true, location
	return p
}

// RouteNotFound is the answer outside of every route.
func RouteNotFound() *Problem {
	p := titled(http.StatusNotFound, "route-not-found", "Not Found", "Not Found")
	p.bare = true
	return p
}

// MethodNotAllowed is the answer to a known path with another method; allow
// lists the methods it has.
func MethodNotAllowed(allow string) *Problem {
	p := titled(http.StatusMethodNotAllowed, "method-not-allowed", "Method Not Allowed", "Method Not Allowed")
	p.Allow, p.bare = allow, true
	return p
}

// RangeNotSatisfiable is the answer to a Range header that lies outside of a
// file of size bytes.
func RangeNotSatisfiable(asked string, size int64) *Problem {
	p := titled(http.StatusRequestedRangeNotSatisfiable, "range-not-satisfiable", "Range Not Satisfiable",
		fmt.Sprintf("The file has %d bytes; the range %q lies outside of it or is no range.", size, asked))
	p.Own = true
	return p
}

// AuthFailed is the answer to a request that must be signed and is not.
func AuthFailed() *Problem {
	return &Problem{Status: http.StatusUnauthorized, Code: "auth-failed", Title: "Auth failed"}
}

// Unauthenticated is the answer to a request without a good credential; challenge
// says which one is expected.
func Unauthenticated(challenge, sentence string) *Problem {
	p := titled(http.StatusUnauthorized, "unauthenticated", "Unauthorized", sentence)
	p.Own, p.Challenge = true, challenge
	return p
}

// NotOffered is the answer to what PIMS does and this service does not.
func NotOffered(code, sentence string) *Problem {
	p := titled(http.StatusNotImplemented, code, "Not Implemented", sentence)
	p.Own = true
	return p
}
