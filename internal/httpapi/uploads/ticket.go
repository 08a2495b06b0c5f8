package uploads

import (
	"encoding/base64"
	"encoding/json"
	"regexp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// ticket is all that there is to know of an upload in parts. Its text is the
// upload's id in URLs, so that nothing is kept between two requests and any
// process may answer the next one. It is not signed: the store's own name in it
// can not be guessed, and what else it says is held to the rules of begin.
type ticket struct {
	Folder   string `json:"f"` // random, the first element of the key
	Name     string `json:"n"` // as the user knows the file
	Store    string `json:"s"` // the store's name of the upload
	Size     int64  `json:"b"` // bytes
	PartSize int64  `json:"p"` // bytes of every part but the last
	Checked  bool   `json:"c,omitempty"`
}

const (
	// usualPartBytes is the size of a part unless there would be too many: a
	// failure costs little, and the requests are few.
	usualPartBytes = 8 << 20
	partBytesUnit  = 1 << 20
	maxNameBytes   = 1024
	maxTicketBytes = 8 << 10
)

// partBytes is the size of the parts of size bytes.
func partBytes(size int64) int64 {
	least := (size + objectstore.MaxUploadParts - 1) / objectstore.MaxUploadParts
	return max(usualPartBytes, (least+partBytesUnit-1)/partBytesUnit*partBytesUnit)
}

// key is where the upload will lie: never outside of its folder, whatever the
// name.
func (t ticket) key() string { return t.Folder + "/" + importer.CleanName(t.Name) }

func (t ticket) upload() objectstore.DirectUpload {
	return objectstore.DirectUpload{Key: t.key(), ID: t.Store}
}

// count is the number of parts.
func (t ticket) count() int { return int((t.Size + t.PartSize - 1) / t.PartSize) }

// sizeOf is the size of part n, 1 ≤ n ≤ count.
func (t ticket) sizeOf(n int) int64 {
	return min(t.PartSize, t.Size-int64(n-1)*t.PartSize)
}

// id is the ticket as text for a URL.
func (t ticket) id() string {
	text, err := json.Marshal(t)
	if err != nil { // strings, integers and a bool always have a JSON form
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

var folderForm = regexp.MustCompile(`^[0-9a-f]{24}$`)

// ticketOf is the reverse of id. What id does not make names no upload: kind
// NotFound.
func ticketOf(id string, maxBytes int64) (ticket, error) {
	unknown := fault.New(fault.NotFound, "upload-not-found", "There is no upload with this id.")
	if len(id) > maxTicketBytes {
		return ticket{}, unknown
	}
	text, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return ticket{}, unknown.Because(err)
	}
	var t ticket
	if err := json.Unmarshal(text, &t); err != nil {
		return ticket{}, unknown.Because(err)
	}
	switch {
	case !folderForm.MatchString(t.Folder), t.Name == "", len(t.Name) > maxNameBytes, t.Store == "",
		t.Size < 1, t.Size > maxBytes, t.Size > objectstore.MaxObjectBytes,
		t.PartSize < objectstore.MinPartBytes, t.PartSize > objectstore.MaxObjectBytes, t.count() > objectstore.MaxUploadParts:
		return ticket{}, unknown
	}
	return t, nil
}
