package runtimetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Invoker is what events are given to: a Function or an Environment.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) (Reply, error)
}

// Front answers HTTP requests by invoking a function, as API Gateway's HTTP
// APIs and function URLs do (payload version 2.0), or its REST APIs (1.0).
type Front struct {
	Function Invoker
	// Stage is told and, for an HTTP API, put before the path, as for an API
	// without a default stage; "" is $default.
	Stage string
	// REST makes it a REST API with one resource for all paths, /{proxy+}, and
	// */* among its binary media types.
	REST bool

	asked atomic.Int64
}

// payload2 is the payload version 2.0 of a request.
type payload2 struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	RequestContext  requestContext    `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID  string      `json:"accountId"`
	APIID      string      `json:"apiId"`
	DomainName string      `json:"domainName"`
	RequestID  string      `json:"requestId"`
	RouteKey   string      `json:"routeKey"`
	Stage      string      `json:"stage"`
	TimeEpoch  int64       `json:"timeEpoch"`
	HTTP       httpContext `json:"http"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// maxRequest is the platform's bound on a payload.
const maxRequest = 6 << 20

// ServeHTTP maps the request, invokes, and maps the reply.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, `{"message":"Request Too Long"}`, http.StatusRequestEntityTooLarge)
		return
	}
	event := f.payload2
	if f.REST {
		event = f.payload1
	}
	payload, err := event(r, body)
	if err != nil {
		http.Error(w, "the request has no payload: "+err.Error(), http.StatusBadRequest)
		return
	}
	reply, err := f.Function.Invoke(r.Context(), payload)
	if err != nil {
		// What all fronts say whatever happened inside.
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "Internal Server Error", "why": err.Error()})
		return
	}
	defer reply.Body.Close()
	if isStream(reply.ContentType) {
		f.stream(w, reply.Body)
		return
	}
	f.whole(w, r, reply.Body)
}

func (f *Front) payload2(r *http.Request, body []byte) ([]byte, error) {
	path, stage := r.URL.EscapedPath(), "$default"
	if f.Stage != "" {
		path, stage = "/"+f.Stage+path, f.Stage
	}
	p := payload2{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
		RequestContext: requestContext{
			AccountID: "000000000000", APIID: "runtimetest", DomainName: "runtimetest.execute-api.eu-west-1.example.com",
			RequestID: f.nextID(), RouteKey: "$default", Stage: stage, TimeEpoch: time.Now().UnixMilli(),
			HTTP: httpContext{Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: clientIP(r), UserAgent: r.UserAgent()},
		},
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, line := range values {
				p.Cookies = append(p.Cookies, strings.Split(line, "; ")...)
			}
			continue
		}
		p.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	// Text is passed as it is; whatever is not text goes in base64.
	if utf8.Valid(body) && strings.HasPrefix(r.Header.Get("Content-Type"), "text/") {
		p.Body = string(body)
	} else if len(body) > 0 {
		p.Body, p.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return json.Marshal(p)
}

func (f *Front) nextID() string { return fmt.Sprintf("req-%d=", f.asked.Add(1)) }

func clientIP(r *http.Request) string {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil { // a request that no server took
		return "127.0.0.1"
	}
	return ip
}

type wholeReply struct {
	StatusCode      int                 `json:"statusCode"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"` // means something to REST APIs only
	Cookies         []string            `json:"cookies"`           // to all others only
	Body            string              `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

// header is the reply's header as the front understands it.
func (r *wholeReply) header(rest bool) http.Header {
	h := http.Header{}
	for name, text := range r.Headers {
		h.Set(name, text)
	}
	if !rest {
		for _, cookie := range r.Cookies {
			h.Add("Set-Cookie", cookie)
		}
		return h
	}
	for name, texts := range r.MultiHeaders {
		h[http.CanonicalHeaderKey(name)] = texts
	}
	return h
}

func (f *Front) whole(w http.ResponseWriter, r *http.Request, from io.Reader) {
	var reply wholeReply
	if err := json.NewDecoder(from).Decode(&reply); err != nil {
		http.Error(w, "the function's reply is not JSON: "+err.Error(), http.StatusBadGateway)
		return
	}
	body := []byte(reply.Body)
	if reply.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(reply.Body); err != nil {
			http.Error(w, "the function's body is not base64: "+err.Error(), http.StatusBadGateway)
			return
		}
	}
	writeHead(w, reply.StatusCode, reply.header(f.REST))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone
	}
}

// stream reads the head of a streamed reply, JSON up to eight zero bytes, and
// passes the rest on as it comes.
func (f *Front) stream(w http.ResponseWriter, from io.Reader) {
	head, rest, err := splitHead(from)
	if err != nil {
		http.Error(w, "the function's reply has no head: "+err.Error(), http.StatusBadGateway)
		return
	}
	writeHead(w, head.StatusCode, head.header(f.REST))
	buffer := make([]byte, 32<<10)
	for {
		n, err := rest.Read(buffer)
		if n > 0 {
			if _, writeErr := w.Write(buffer[:n]); writeErr != nil {
				return
			}
			_ = http.NewResponseController(w).Flush() // a recorder in a test may not flush
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client must see that the reply is cut
		}
	}
}

// maxHead bounds the head of a streamed reply.
const maxHead = 64 << 10

func splitHead(from io.Reader) (wholeReply, io.Reader, error) {
	end := make([]byte, 8)
	var got []byte
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		got = append(got, buffer[:n]...)
		if i := bytes.Index(got, end); i >= 0 {
			var head wholeReply
			if jsonErr := json.Unmarshal(got[:i], &head); jsonErr != nil {
				return wholeReply{}, nil, jsonErr
			}
			rest := io.Reader(bytes.NewReader(got[i+len(end):]))
			if err == nil {
				rest = io.MultiReader(rest, from)
			} else if err != io.EOF {
				rest = io.MultiReader(rest, failing{err})
			}
			return head, rest, nil
		}
		if err != nil || len(got) > maxHead {
			return wholeReply{}, nil, fmt.Errorf("no separator in the first %d bytes: %w", len(got), err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func writeHead(w http.ResponseWriter, status int, header http.Header) {
	maps.Copy(w.Header(), header)
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
}
