package httpapi

import (
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config/units"
)

// Config is what clients may ask for and what they are told. The names are
// those of PIMS where it has the setting (pims-api §7.1).
type Config struct {
	OutputSizeLimit  int           `env:"OUTPUT_SIZE_LIMIT" envDefault:"10000" desc:"Greatest width or height of a picture, in pixels."`
	SafetyMode       string        `env:"DEFAULT_IMAGE_SIZE_SAFETY_MODE" envDefault:"SAFE_REJECT" desc:"What happens to larger pictures without X-Image-Size-Safety: SAFE_REJECT, SAFE_RESIZE or UNSAFE."`
	AnnotationOrigin string        `env:"DEFAULT_ANNOTATION_ORIGIN" envDefault:"LEFT_TOP" desc:"Origin of annotation geometries without X-Annotation-Origin: LEFT_TOP or LEFT_BOTTOM."`
	CacheMaxAge      int           `env:"IMAGE_RESPONSE_CACHE_CONTROL_MAX_AGE" envDefault:"86400" desc:"How long clients may keep an answer before asking again, in seconds."`
	MaxUpload        units.Bytes   `env:"MAX_UPLOAD_BYTES" envDefault:"1TiB" desc:"Greatest size of one uploaded file, or of one request to /upload."`
	MaxBody          units.Bytes   `env:"MAX_BODY_BYTES" envDefault:"16MiB" desc:"Greatest size of a JSON body."`
	ExportLink       time.Duration `env:"EXPORT_LINK" envDefault:"0s" desc:"For how long a file may be downloaded straight from the S3 bucket by the address that its export then redirects to (303), at most 168h. 0s means that exports are sent by this server."`
	Capacity         units.Bytes   `env:"STORAGE_CAPACITY" envDefault:"1024TiB" desc:"What the store is said to hold in all, for /disk-usage and /storage/size.json."`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "config-value", format, args...)
	}
	switch {
	case c.OutputSizeLimit < 1 || c.OutputSizeLimit > 65500:
		return bad("OUTPUT_SIZE_LIMIT is %d: expected 1 to 65500 pixels, the most that a JPEG can have", c.OutputSizeLimit)
	case c.SafetyMode != "SAFE_REJECT" && c.SafetyMode != "SAFE_RESIZE" && c.SafetyMode != "UNSAFE":
		return bad("DEFAULT_IMAGE_SIZE_SAFETY_MODE is %q: expected SAFE_REJECT, SAFE_RESIZE or UNSAFE", c.SafetyMode)
	case c.AnnotationOrigin != "LEFT_TOP" && c.AnnotationOrigin != "LEFT_BOTTOM":
		return bad("DEFAULT_ANNOTATION_ORIGIN is %q: expected LEFT_TOP or LEFT_BOTTOM", c.AnnotationOrigin)
	case c.CacheMaxAge < 0:
		return bad("IMAGE_RESPONSE_CACHE_CONTROL_MAX_AGE is %d: expected 0 or more seconds", c.CacheMaxAge)
	case c.ExportLink != 0 && (c.ExportLink < time.Second || c.ExportLink > 7*24*time.Hour):
		return bad("EXPORT_LINK is %s: expected 0s, or 1s to 168h, the longest that S3 signs for", c.ExportLink)
	case c.MaxUpload < 1 || c.MaxBody < 1 || c.Capacity < 1:
		return bad("MAX_UPLOAD_BYTES, MAX_BODY_BYTES and STORAGE_CAPACITY are %d, %d and %d bytes: expected at least 1 each",
			int64(c.MaxUpload), int64(c.MaxBody), int64(c.Capacity))
	}
	return nil
}

func (c Config) maxAge() time.Duration { return time.Duration(c.CacheMaxAge) * time.Second }
