package lambdaadapter

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// payload is an HTTP request as Lambda gets it: the members of payload versions
// 2.0 (HTTP APIs, function URLs) and 1.0 (REST APIs) that make the request.
type payload struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQuery        string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Context         struct {
		Stage      string `json:"stage"`
		RequestID  string `json:"requestId"`
		DomainName string `json:"domainName"`
		HTTP       struct {
			Method   string `json:"method"`
			Protocol string `json:"protocol"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
	} `json:"requestContext"`

	// Version 1 only.
	Method       string              `json:"httpMethod"`
	Path         string              `json:"path"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	Query        map[string]string   `json:"queryStringParameters"`
}

// decodePayload reads the invocation; kind Invalid when it is no HTTP request.
func decodePayload(raw []byte) (*payload, error) {
	p := &payload{}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fault.New(fault.Invalid, "lambda-payload", "the invocation is not the JSON of an HTTP request").Because(err)
	}
	if p.isV1() || (p.Context.HTTP.Method != "" && strings.HasPrefix(p.RawPath, "/")) {
		return p, nil
	}
	return nil, fault.New(fault.Invalid, "lambda-payload",
		"the invocation is not an HTTP request of API Gateway or a function URL: it has no requestContext.http.method and rawPath (payload 2.0), nor httpMethod and path (1.0); check what invokes this function")
}

func (p *payload) isV1() bool { return p.Method != "" && strings.HasPrefix(p.Path, "/") }

// request makes the HTTP request that the payload stands for.
func (p *payload) request(ctx context.Context) (*http.Request, error) {
	method, path, query, ip := p.Context.HTTP.Method, p.stripStage(p.RawPath), p.RawQuery, p.Context.HTTP.SourceIP
	if p.isV1() {
		// Version 1 has the stage beside the path, never in it.
		method, path, query, ip = p.Method, p.Path, p.queryV1(), p.Context.Identity.SourceIP
	}
	body := []byte(p.Body)
	if p.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(p.Body); err != nil {
			return nil, fault.New(fault.Invalid, "lambda-payload", "the invocation says that its body is base64, but it is not").Because(err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "lambda-payload", "the invocation's method %q is not one of HTTP", method).Because(err)
	}
	r.URL = requestURL(path, query)
	r.RequestURI = r.URL.RequestURI()
	r.Header = p.header()
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	if r.Host == "" {
		r.Host = p.Context.DomainName
	}
	r.ContentLength = int64(len(body))
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	r.RemoteAddr = net.JoinHostPort(ip, "0")
	if r.Header.Get("X-Request-Id") == "" && p.Context.RequestID != "" {
		r.Header.Set("X-Request-Id", p.Context.RequestID)
	}
	return r, nil
}

// stripStage takes the stage's name off the path, which API Gateway puts there
// on its own domain, except for the stage $default. On a custom domain it does
// not: there a path may begin with a word that happens to be a stage's name.
func (p *payload) stripStage(path string) string {
	stage, domain := p.Context.Stage, p.Context.DomainName
	if stage == "" || stage == "$default" || (domain != "" && !strings.Contains(domain, ".execute-api.")) {
		return path
	}
	rest, ok := strings.CutPrefix(path, "/"+stage)
	switch {
	case ok && rest == "":
		return "/"
	case ok && rest[0] == '/':
		return rest
	default:
		return path
	}
}

// requestURL keeps the escaped path as it came, so that %2F stays a part of a
// name. A path that is not escaped (some fronts decode it) is taken as it is.
func requestURL(rawPath, rawQuery string) *url.URL {
	u := &url.URL{Path: rawPath, RawQuery: rawQuery}
	if decoded, err := url.PathUnescape(rawPath); err == nil {
		u.Path, u.RawPath = decoded, rawPath
	}
	return u
}

// header joins what the payload has taken apart.
func (p *payload) header() http.Header {
	h := make(http.Header, len(p.Headers)+1)
	for name, text := range p.Headers {
		h.Set(name, text)
	}
	for name, texts := range p.MultiHeaders {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(texts)
	}
	if len(p.Cookies) > 0 {
		h.Set("Cookie", strings.Join(p.Cookies, "; "))
	}
	return h
}

// queryV1 escapes again what version 1 has decoded.
func (p *payload) queryV1() string {
	values := url.Values{}
	for name, text := range p.Query {
		values.Set(name, text)
	}
	for name, texts := range p.MultiQuery {
		values[name] = texts
	}
	return values.Encode()
}
