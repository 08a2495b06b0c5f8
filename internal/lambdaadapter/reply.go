package lambdaadapter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
)

// maxReplyBytes is the platform's bound on what a function may return in whole,
// counted as JSON with the body in base64: 6 MB, so about 4.5 MB of picture.
const maxReplyBytes = 6 << 20

// recorder collects a reply. It keeps at most limit bytes of body: more of a good
// reply goes into the store, where there is one, and otherwise is an error to the
// handler, so that it stops.
type recorder struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
	limit  int
	over   bool
	noBody bool // a HEAD request

	// begin starts to store a reply with this header and these first bytes; nil
	// where replies are not stored.
	begin  func(header http.Header, first []byte) *result
	stored *result // once begun
}

func newRecorder(method string, limit int) *recorder {
	return &recorder{header: http.Header{}, limit: limit, noBody: method == http.MethodHead}
}

// Header is the reply's header; changes after the status was written are lost.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader fixes status and header; informational statuses have no place in
// a reply in whole.
func (r *recorder) WriteHeader(status int) {
	if r.status != 0 || status < 200 {
		return
	}
	r.status, r.sent = status, r.header.Clone()
	r.noBody = r.noBody || !bodyAllowed(status)
}

// Write collects the body; that of a HEAD request is dropped as net/http does.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !bodyAllowed(r.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if r.noBody {
		return len(p), nil
	}
	if r.stored == nil && r.body.Len()+len(p) > r.limit {
		if !r.canStore() {
			r.over = true
			return 0, tooLarge()
		}
		r.store()
	}
	if r.stored != nil {
		return r.stored.write.Write(p)
	}
	return r.body.Write(p)
}

// canStore: only what a GET of the address gives back is stored, so no part of
// something and no error.
func (r *recorder) canStore() bool { return r.begin != nil && r.status == http.StatusOK }

func (r *recorder) store() {
	r.guessType()
	r.stored = r.begin(r.sent, r.body.Bytes())
}

// guessType names the type as net/http does where the handler did not.
func (r *recorder) guessType() {
	if r.body.Len() > 0 && r.sent.Get("Content-Type") == "" && r.sent.Get("Content-Encoding") == "" {
		r.sent.Set("Content-Type", http.DetectContentType(r.body.Bytes()))
	}
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func tooLarge() *fault.Error {
	return fault.New(fault.TooLarge, "reply-too-large-for-function",
		"The reply is larger than the 6 MB that a function can return in whole; ask for a smaller size or region, or use the address with response streaming.")
}

// reply is what a function returns, payload version 2.0; version 1.0 has the
// repeated headers of its own.
type reply struct {
	StatusCode      int                 `json:"statusCode"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders,omitempty"`
	Cookies         []string            `json:"cookies,omitempty"`
	Body            string              `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

// encode is the recorded reply as JSON. ok is false when that would be over the
// platform's bound, or when it is in the store already.
func (r *recorder) encode(v1 bool) (out []byte, ok bool, err error) {
	r.WriteHeader(http.StatusOK)
	if r.over || r.stored != nil {
		return nil, false, nil
	}
	out, err = marshal(r.reply(v1))
	return out, len(out) <= r.limit, err
}

// instead makes another reply of the same request.
func (r *recorder) instead(status int) *recorder {
	out := newRecorder(http.MethodGet, r.limit)
	for _, name := range []string{"X-Request-Id", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary"} {
		if v, ok := r.sent[name]; ok {
			out.header[name] = v
		}
	}
	out.header.Set("Cache-Control", "no-store")
	if status >= http.StatusBadRequest {
		out.header.Set("Content-Type", "application/json")
	}
	out.WriteHeader(status)
	return out
}

// problemBody has the members of every error body of the API.
func problemBody(status int, title string, err error) []byte {
	code, detail := fault.CodeOf(err), fault.Sentence(err)
	body, _ := marshal(map[string]any{ // strings and an integer always have a JSON form
		"title": title, "details": detail, "type": "urn:pims:problem:" + code, "status": status, "detail": detail, "code": code,
	})
	return body
}

func (r *recorder) reply(v1 bool) reply {
	out := reply{StatusCode: r.status, Headers: map[string]string{}}
	r.guessType()
	out.Headers, out.Cookies = flatHeader(r.sent, r.noBody)
	if v1 {
		out.MultiHeaders = map[string][]string{}
		for name := range out.Headers {
			out.MultiHeaders[name] = r.sent[name]
		}
		if len(out.Cookies) > 0 {
			out.MultiHeaders["Set-Cookie"] = out.Cookies
		}
		out.Headers, out.Cookies = nil, nil
	}
	if body := r.body.Bytes(); isText(r.sent, body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return out
}

// flatHeader joins repeated headers, and takes cookies out, which can not be
// joined. Headers that belong to one connection, and the length, are the
// front's business; only the length that a HEAD reply tells is kept.
func flatHeader(h http.Header, noBody bool) (flat map[string]string, cookies []string) {
	flat = make(map[string]string, len(h))
	for name, values := range h {
		switch name {
		case "Set-Cookie":
			cookies = values
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer":
		case "Content-Length":
			if noBody {
				flat[name] = values[0]
			}
		default:
			flat[name] = strings.Join(values, ", ")
		}
	}
	return flat, cookies
}

// isText reports whether a body can stand in JSON as it is.
func isText(h http.Header, body []byte) bool {
	if h.Get("Content-Encoding") != "" || !utf8.Valid(body) {
		return false
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return len(body) == 0 || (err == nil && (strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") ||
		strings.HasSuffix(kind, "xml") || kind == "application/javascript" || kind == "application/yaml"))
}

// marshal is JSON without escaped angle brackets: they cost six bytes each of
// the bound.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
