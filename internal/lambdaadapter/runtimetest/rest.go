package runtimetest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// payload1 is the payload version 1.0 of a request, as REST APIs make it.
type payload1 struct {
	Resource        string              `json:"resource"`
	Path            string              `json:"path"`
	Method          string              `json:"httpMethod"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"`
	Query           map[string]string   `json:"queryStringParameters"` // null without a query
	MultiQuery      map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters  map[string]string   `json:"pathParameters"`
	StageVariables  map[string]string   `json:"stageVariables"`
	RequestContext  restContext         `json:"requestContext"`
	Body            *string             `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

type restContext struct {
	AccountID        string       `json:"accountId"`
	APIID            string       `json:"apiId"`
	DomainName       string       `json:"domainName"`
	RequestID        string       `json:"requestId"`
	ResourcePath     string       `json:"resourcePath"`
	Method           string       `json:"httpMethod"`
	Path             string       `json:"path"` // with the stage
	Protocol         string       `json:"protocol"`
	Stage            string       `json:"stage"`
	RequestTimeEpoch int64        `json:"requestTimeEpoch"`
	Identity         restIdentity `json:"identity"`
}

type restIdentity struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// payload1 keeps the path as it was sent, decodes the query, and has each header
// and parameter twice: its last value, and all of them.
func (f *Front) payload1(r *http.Request, body []byte) ([]byte, error) {
	stage := f.Stage
	if stage == "" {
		stage = "prod" // a REST API always has one
	}
	path := r.URL.EscapedPath()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	p := payload1{
		Resource: "/{proxy+}", Path: path, Method: r.Method, PathParameters: map[string]string{"proxy": strings.TrimPrefix(path, "/")},
		Headers: last(header), MultiHeaders: header,
		RequestContext: restContext{
			AccountID: "000000000000", APIID: "runtimetest", DomainName: "runtimetest.execute-api.eu-west-1.example.com",
			RequestID: f.nextID(), ResourcePath: "/{proxy+}", Method: r.Method, Path: "/" + stage + path, Protocol: r.Proto, Stage: stage,
			RequestTimeEpoch: time.Now().UnixMilli(), Identity: restIdentity{SourceIP: clientIP(r), UserAgent: r.UserAgent()},
		},
	}
	if len(query) > 0 {
		p.Query, p.MultiQuery = last(query), query
	}
	if len(body) > 0 { // with */* among the binary media types, text is one, too
		text := base64.StdEncoding.EncodeToString(body)
		p.Body, p.IsBase64Encoded = &text, true
	}
	return json.Marshal(p)
}

// last has the last of each name's values.
func last(values map[string][]string) map[string]string {
	out := make(map[string]string, len(values))
	for name, texts := range values {
		if len(texts) > 0 {
			out[name] = texts[len(texts)-1]
		}
	}
	return out
}
