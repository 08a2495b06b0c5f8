package problem

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// typePrefix makes the "type" member: a URN, since nothing is served there.
const typePrefix = "urn:pims:problem:"

// body is the ordered JSON object of a problem: PIMS' members first.
func (p *Problem) body() []byte {
	if p.upload {
		return p.uploadBody()
	}
	var members []Member
	if !p.bare {
		members = []Member{{"title", p.Title}, {"details", p.Details}}
	}
	members = append(members, p.Extra...)
	detail := p.Title
	if p.Details != nil {
		detail = *p.Details
	}
	members = append(members,
		Member{"type", typePrefix + p.Code}, Member{"status", p.Status}, Member{"detail", detail})
	if p.Own {
		members = append(members, Member{"code", p.Code})
	}
	return object(members)
}

// uploadBody is what PIMS' upload clients read (pims-api §3.13): the status in
// it is always 500.
func (p *Problem) uploadBody() []byte {
	text := p.Title
	if p.Details != nil {
		text = *p.Details
	}
	file := rawObject(object([]Member{{"size", 0}, {"error", text}}))
	one := object([]Member{
		{"status", http.StatusInternalServerError}, {"error", text}, {"files", []rawObject{file}},
		{"type", typePrefix + p.Code}, {"detail", text}, {"code", p.Code},
	})
	return append(append([]byte{'['}, one...), ']')
}

// object writes members in their order; a value that can not be written is a
// programming error and becomes null.
func object(members []Member) []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(encode(m.Name))
		out.WriteByte(':')
		out.Write(encode(m.Value))
	}
	out.WriteByte('}')
	return out.Bytes()
}

func encode(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The client may be gone; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}
