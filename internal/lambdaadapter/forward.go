package lambdaadapter

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// forwardedHeader marks a request that was passed on once: whoever gets it
// answers it, even if with 501, so that no request goes round in a circle.
const forwardedHeader = "X-Pims-Forwarded"

// needsLibvips are the codes of what a build without libvips can not answer; the
// last is that of a media type that it can not write, or that nobody can.
var needsLibvips = map[string]bool{"codec-needs-libvips": true, "codec-unsupported": true, "codec-media-type": true, "not-acceptable": true}

// mayNeedLibvips are the statuses of these codes.
func mayNeedLibvips(status int) bool {
	return status == http.StatusNotImplemented || status == http.StatusNotAcceptable
}

// forwarding passes the requests on that its handler answers with 501 or 406 because
// this build lacks libvips. Method, path, query, headers and body arrive at to as
// they came here, credentials included; the host is to's, and the one asked for
// is told in X-Forwarded-Host.
type forwarding struct {
	next  http.Handler
	proxy *httputil.ReverseProxy
}

// forward wraps a handler; to was checked by Config.Validate.
func forward(next http.Handler, to string, log *slog.Logger) http.Handler {
	target, err := url.Parse(to)
	if err != nil {
		return next
	}
	return &forwarding{next: next, proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.URL.RawQuery = r.In.URL.RawQuery // also what is no name=value
			r.SetXForwarded()
			r.Out.Header.Set(forwardedHeader, "1")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.ErrorContext(r.Context(), "the function with libvips does not answer", "path", r.URL.Path, "error", err.Error())
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(problemBody(http.StatusBadGateway, "Bad Gateway", // the client may be gone
				fault.New(fault.Busy, "forward-failed", "The function that this request was passed on to does not answer; try again.")))
		},
	}}
}

// ServeHTTP answers, or passes on.
func (f *forwarding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(forwardedHeader) != "" || r.GetBody == nil && r.Body != http.NoBody {
		f.next.ServeHTTP(w, r)
		return
	}
	look := &lookout{ResponseWriter: w}
	f.next.ServeHTTP(look, r)
	if !look.held {
		return
	}
	// The reply to HEAD has no body that tells why.
	if r.Method != http.MethodHead && !needsLibvips[codeIn(look.body.Bytes())] {
		w.WriteHeader(look.status)
		_, _ = w.Write(look.body.Bytes()) // the client may be gone
		return
	}
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil { // it is in memory
			body = io.NopCloser(strings.NewReader(""))
		}
		again.Body = body
	}
	for name := range w.Header() {
		w.Header().Del(name)
	}
	f.proxy.ServeHTTP(w, again)
}

// lookout holds a reply with status 501 or 406 back, whose body is a short JSON, and
// lets every other one through.
type lookout struct {
	http.ResponseWriter
	wrote, held bool
	status      int
	body        bytes.Buffer
}

// WriteHeader decides.
func (l *lookout) WriteHeader(status int) {
	if status < 200 || l.wrote {
		l.ResponseWriter.WriteHeader(status)
		return
	}
	l.wrote, l.held, l.status = true, mayNeedLibvips(status), status
	if !l.held {
		l.ResponseWriter.WriteHeader(status)
	}
}

// Write writes or holds back.
func (l *lookout) Write(p []byte) (int, error) {
	if !l.wrote {
		l.WriteHeader(http.StatusOK)
	}
	if l.held {
		return l.body.Write(p)
	}
	return l.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what is below.
func (l *lookout) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// codeIn reads the code out of an error's body (package problem): the last part
// of its type.
func codeIn(body []byte) string {
	var p struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(body, &p) != nil {
		return ""
	}
	return p.Type[strings.LastIndexByte(p.Type, ':')+1:]
}
