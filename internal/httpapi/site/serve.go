package site

import (
	"bytes"
	"net/http"
	"time"
)

// serveBytes answers ranges and picks the type by the name's extension.
// Embedded files have no time of change.
func serveBytes(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}
