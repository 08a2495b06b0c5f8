package runtimetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
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
// APIs and function URLs do (payload version 2.0).
type Front struct {
	Function Invoker
	// Stage is put before the path and told, as for an API without a default
	// stage; "" is $default.
	Stage string

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
	payload, err := f.payload(w, r)
	if err != nil {
		http.Error(w, `{"message":"Request Too Long"}`, http.StatusRequestEntityTooLarge)
		return
	}
	reply, err := f.Function.Invoke(r.Context(), payload)
	if err != nil {
		// What both fronts say whatever happened inside.
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "Internal Server Error", "why": err.Error()})
		return
	}
	defer reply.Body.Close()
	if isStream(reply.ContentType) {
		stream(w, r, reply.Body)
		return
	}
	whole(w, r, reply.Body)
}

func (f *Front) payload(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	path, stage := r.URL.EscapedPath(), "$default"
	if f.Stage != "" {
		path, stage = "/"+f.Stage+path, f.Stage
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "127.0.0.1"
	}
	p := payload2{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
		RequestContext: requestContext{
			AccountID: "000000000000", APIID: "runtimetest", DomainName: "runtimetest.execute-api.eu-west-1.example.com",
			RequestID: fmt.Sprintf("req-%d=", f.asked.Add(1)), RouteKey: "$default", Stage: stage, TimeEpoch: time.Now().UnixMilli(),
			HTTP: httpContext{Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent()},
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
	// Fronts pass text as it is; whatever is not text goes in base64.
	if utf8.Valid(body) && strings.HasPrefix(r.Header.Get("Content-Type"), "text/") {
		p.Body = string(body)
	} else if len(body) > 0 {
		p.Body, p.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return json.Marshal(p)
}

type wholeReply struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func whole(w http.ResponseWriter, r *http.Request, from io.Reader) {
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
	writeHead(w, reply.StatusCode, reply.Headers, reply.Cookies)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone
	}
}

// stream reads the head of a streamed reply, JSON up to eight zero bytes, and
// passes the rest on as it comes.
func stream(w http.ResponseWriter, r *http.Request, from io.Reader) {
	head, rest, err := splitHead(from)
	if err != nil {
		http.Error(w, "the function's reply has no head: "+err.Error(), http.StatusBadGateway)
		return
	}
	writeHead(w, head.StatusCode, head.Headers, head.Cookies)
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

func writeHead(w http.ResponseWriter, status int, headers map[string]string, cookies []string) {
	for name, text := range headers {
		w.Header().Set(name, text)
	}
	for _, cookie := range cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
}

// SQSEvent is the event of an SQS event source with these message bodies; the
// ids are "message-0", "message-1" …
func SQSEvent(bodies ...string) []byte {
	type message struct {
		MessageID      string `json:"messageId"`
		ReceiptHandle  string `json:"receiptHandle"`
		Body           string `json:"body"`
		EventSource    string `json:"eventSource"`
		EventSourceARN string `json:"eventSourceARN"`
	}
	var event struct {
		Records []message `json:"Records"`
	}
	for i, body := range bodies {
		event.Records = append(event.Records, message{MessageID: fmt.Sprintf("message-%d", i), ReceiptHandle: fmt.Sprintf("receipt-%d", i),
			Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:imports"})
	}
	out, _ := json.Marshal(event) // strings always have a JSON form
	return out
}
