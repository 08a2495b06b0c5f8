package importer

import (
	"encoding/json"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/slide"
)

// BucketFile is the Upload.Bucket of a file of this machine, named by its
// absolute path. Such a file is never removed.
const BucketFile = "file"

// BucketUnpacked is the Upload.Bucket of a member of an archive, which lies in
// the slides store until it is imported.
const BucketUnpacked = "unpacked"

// Upload is one version of one uploaded object.
type Upload struct {
	Bucket string `json:"bucket"` // URL of the uploads store, BucketFile or BucketUnpacked
	Key    string `json:"key"`    // key in the uploads store, or an absolute path
	ETag   string `json:"etag"`
	Size   int64  `json:"size"` // bytes; 0 when the sender did not know
}

// Job asks for one import. Its JSON is the queue's message.
type Job struct {
	ID      slide.ID `json:"id"`
	Upload  Upload   `json:"upload"`
	Name    string   `json:"name"`              // as the user knows the file
	InPlace bool     `json:"inPlace,omitempty"` // leave the bytes where they are
	// Properties are what the user says about the slide.
	Properties []Property `json:"properties,omitempty"`
	// Again runs an import that has failed before once more.
	Again bool `json:"again,omitempty"`
	// Depth is in how many archives the upload lay.
	Depth int `json:"depth,omitempty"`
	// Convert asks for the conversion of a slide that was imported so far,
	// instead of an import.
	Convert bool `json:"convert,omitempty"`
	// Recount asks for the histogram of a slide that is imported already,
	// instead of an import.
	Recount Recount `json:"recount,omitempty"`
}

// Property is one thing that a user says about a slide.
type Property struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// NewJob makes the job of an upload, its id derived. name "" means the last
// element of the key.
func NewJob(u Upload, name string, inPlace bool) Job {
	if name == "" {
		name = path.Base(strings.ReplaceAll(u.Key, `\`, "/"))
	}
	return Job{ID: slide.DeriveID(u.Bucket, u.Key, u.ETag), Upload: u, Name: name, InPlace: inPlace}
}

// Encode is the job as a queue message.
func (j Job) Encode() []byte {
	b, err := json.Marshal(j)
	if err != nil { // strings, integers and bools always have a JSON form
		panic(err)
	}
	return b
}

// DecodeJob is the reverse of Encode; kind Invalid when body is not a job.
func DecodeJob(body []byte) (Job, error) {
	var j Job
	if err := json.Unmarshal(body, &j); err != nil {
		return Job{}, fault.New(fault.Invalid, "not-a-job", "the queue message is not an import job").Because(err)
	}
	return j, j.validate()
}

func (j Job) validate() error {
	if j.Upload.Bucket == "" || j.Upload.Key == "" || j.Upload.ETag == "" {
		return fault.New(fault.Invalid, "job-incomplete",
			"an import needs bucket, key and etag of the upload; it has %q, %q, %q", j.Upload.Bucket, j.Upload.Key, j.Upload.ETag)
	}
	if want := slide.DeriveID(j.Upload.Bucket, j.Upload.Key, j.Upload.ETag); j.ID != want {
		return fault.New(fault.Invalid, "job-id-mismatch", "the import has id %q, its upload has id %q", j.ID, want)
	}
	return nil
}

// maxNameBytes keeps names below what every file system takes (255), with
// room for what a store may append.
const maxNameBytes = 200

// replaced are the characters that pims-api §6.2 step 4 puts a dash for, beside
// the platform-unsafe ones: control characters and \ / : * ? " < > |.
const replaced = `\/:*?"<>|` + " ()+@'$€£°`[]#"

// reservedNames are device names of Windows, which no file may have there.
var reservedNames = strings.Fields("CON PRN AUX NUL COM1 COM2 COM3 COM4 COM5 COM6 COM7 COM8 COM9 " +
	"LPT1 LPT2 LPT3 LPT4 LPT5 LPT6 LPT7 LPT8 LPT9")

// CleanName is the name under which an upload is stored (pims-api §6.2 step 4):
// unsafe characters become dashes, non-ASCII letters stay. It is never empty,
// never starts with a dot, and is at most 200 bytes with its extension kept.
func CleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || strings.ContainsRune(replaced, r) {
			return '-'
		}
		return r
	}, name)
	name = strings.TrimRight(name, ".")
	if strings.HasPrefix(name, ".") {
		name = "-" + name[1:]
	}
	stem, _, _ := strings.Cut(name, ".")
	for _, reserved := range reservedNames {
		if strings.EqualFold(stem, reserved) {
			name = "-" + name
		}
	}
	// "processed" is where the slide's own objects lie.
	if name == "" || strings.EqualFold(name, "processed") {
		return "upload" + strings.Repeat("-", min(1, len(name))) + name
	}
	return shorten(name)
}

// shorten cuts the stem, not the extension, at a character boundary.
func shorten(name string) string {
	if len(name) <= maxNameBytes {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	cut := maxNameBytes - len(ext)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + ext
}
