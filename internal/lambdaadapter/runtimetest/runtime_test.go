package runtimetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// seen mirrors what the echo function tells.
type seen struct {
	Method, URI, Path, EscapedPath, Query, Host, Remote string
	Header                                              http.Header
	Body                                                []byte
}

// TestFunction builds the function once for all that is tested with it.
func TestFunction(t *testing.T) {
	binary := runtimetest.Build(t, testfiles.Root(t), "./internal/lambdaadapter/runtimetest/echo")
	for name, test := range map[string]func(*testing.T, string){
		"RequestsArriveAsTheyWereSent": testRequestsArriveAsTheyWereSent,
		"BinaryRepliesAndTheirBound":   testBinaryRepliesAndTheirBound,
		"RepliesWithoutBody":           testRepliesWithoutBody,
		"AFunctionThatFails":           testAFunctionThatFails,
		"Version1Payload":              testVersion1Payload,
	} {
		t.Run(name, func(t *testing.T) { test(t, binary) })
	}
}

// kind is one of the fronts that a function may stand behind.
type kind struct {
	name, stage, response string
	rest                  bool
}

var (
	httpAPI     = kind{name: "HTTP API", response: "buffered"}
	functionURL = kind{name: "function URL", response: "stream"}
	stagedAPI   = kind{name: "HTTP API with a stage", stage: "prod", response: "buffered"}
	restAPI     = kind{name: "REST API", stage: "prod", response: "buffered", rest: true}
)

// front starts the function behind a real HTTP server.
func front(t *testing.T, binary string, kind kind) (url string) {
	t.Helper()
	server := httptest.NewServer(&runtimetest.Front{
		Function: runtimetest.Start(t, binary, "LAMBDA_RESPONSE="+kind.response), Stage: kind.stage, REST: kind.rest,
	})
	t.Cleanup(server.Close)
	return server.URL
}

func testRequestsArriveAsTheyWereSent(t *testing.T, binary string) {
	for _, kind := range []kind{httpAPI, functionURL, stagedAPI, restAPI} {
		t.Run(kind.name, func(t *testing.T) {
			url := front(t, binary, kind)
			// A REST API decodes and sorts the query, and joins nothing.
			query, accept, vary := "q=a%2Bb&q=c+d&empty=", []string{"image/png,image/jpeg;q=0.5"}, []string{"Accept, Origin"}
			if kind.rest {
				query, accept, vary = "empty=&q=a%2Bb&q=c+d", []string{"image/png", "image/jpeg;q=0.5"}, []string{"Accept", "Origin"}
			}
			body := []byte{0, 1, 2, 0xff, 0xfe, 'x'}
			r, err := http.NewRequest(http.MethodPost, url+"/image/upload-1%2Fa%20b+c/tile?q=a%2Bb&q=c+d&empty=", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/octet-stream")
			r.Header.Add("Accept", "image/png")
			r.Header.Add("Accept", "image/jpeg;q=0.5")
			r.Header.Set("Cookie", "x=1; y=2")
			r.Header.Set("Accept-Encoding", "identity")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got seen
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if got.Method != "POST" || got.EscapedPath != "/image/upload-1%2Fa%20b+c/tile" || got.Path != "/image/upload-1/a b+c/tile" ||
				got.Query != query || got.URI != got.EscapedPath+"?"+got.Query {
				t.Errorf("got %+v", got)
			}
			if !bytes.Equal(got.Body, body) {
				t.Errorf("body %v, want %v", got.Body, body)
			}
			if got.Host != strings.TrimPrefix(url, "http://") || !strings.HasPrefix(got.Remote, "127.0.0.1:") {
				t.Errorf("host %q, remote %q", got.Host, got.Remote)
			}
			if got.Header.Get("Cookie") != "x=1; y=2" || !slices.Equal(got.Header["Accept"], accept) {
				t.Errorf("header %v", got.Header)
			}
			if got.Header.Get("X-Request-Id") == "" {
				t.Error("the front's request id did not arrive")
			}
			if want := []string{"a=1; Path=/", "b=2; Path=/"}; !reflect.DeepEqual(resp.Header["Set-Cookie"], want) {
				t.Errorf("cookies %v, want %v", resp.Header["Set-Cookie"], want)
			}
			if got := resp.Header["Vary"]; !slices.Equal(got, vary) {
				t.Errorf("Vary %q, want %q", got, vary)
			}
		})
	}
}

func get(t *testing.T, method, url string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func testBinaryRepliesAndTheirBound(t *testing.T, binary string) {
	buffered, streamed, rest := front(t, binary, httpAPI), front(t, binary, functionURL), front(t, binary, restAPI)

	for _, url := range []string{buffered, streamed, rest} {
		resp, body := get(t, http.MethodGet, url+"/bytes/300000")
		if resp.StatusCode != 200 || len(body) != 300000 || body[254] != 255 || body[255] != 1 {
			t.Errorf("%s: status %d, %d bytes", url, resp.StatusCode, len(body))
		}
	}
	// 4 MiB fit (5.6 MB of base64), 5 MiB do not, and 8 MiB not even before.
	for _, url := range []string{buffered, rest} {
		if resp, body := get(t, http.MethodGet, url+"/bytes/4194304"); resp.StatusCode != 200 || len(body) != 4<<20 {
			t.Errorf("4 MiB: status %d, %d bytes", resp.StatusCode, len(body))
		}
		for _, n := range []string{"5242880", "8388608"} {
			resp, body := get(t, http.MethodGet, url+"/bytes/"+n)
			var problem struct{ Title, Details, Code string }
			if err := json.Unmarshal(body, &problem); err != nil || resp.StatusCode != 413 ||
				problem.Code != "reply-too-large-for-function" || !strings.Contains(problem.Details, "smaller") {
				t.Errorf("%s bytes: status %d, %s, %v", n, resp.StatusCode, body, err)
			}
		}
	}
	if resp, body := get(t, http.MethodGet, streamed+"/bytes/20000000"); resp.StatusCode != 200 || len(body) != 20000000 {
		t.Errorf("streamed: status %d, %d bytes", resp.StatusCode, len(body))
	}
}

func testRepliesWithoutBody(t *testing.T, binary string) {
	for _, kind := range []kind{httpAPI, functionURL, restAPI} {
		url := front(t, binary, kind)
		for _, code := range []string{"204", "304", "404"} {
			resp, body := get(t, http.MethodGet, url+"/status/"+code)
			if resp.Status[:3] != code || len(body) != 0 || resp.Header.Get("ETag") != `"x"` {
				t.Errorf("%s %s: %s, %d bytes, ETag %s", kind.name, code, resp.Status, len(body), resp.Header.Get("ETag"))
			}
		}
		resp, body := get(t, http.MethodHead, url+"/bytes/1000")
		if resp.StatusCode != 200 || len(body) != 0 || resp.ContentLength != 1000 {
			t.Errorf("%s HEAD: status %d, %d bytes, length %d", kind.name, resp.StatusCode, len(body), resp.ContentLength)
		}
	}
}

func testAFunctionThatFails(t *testing.T, binary string) {
	t.Run("panic in the handler", func(t *testing.T) {
		url := front(t, binary, httpAPI)
		if resp, _ := get(t, http.MethodGet, url+"/panic"); resp.StatusCode != 502 {
			t.Errorf("status %d, want 502", resp.StatusCode)
		}
		if resp, _ := get(t, http.MethodGet, url+"/"); resp.StatusCode != 200 {
			t.Errorf("the function does not answer after a panic: %d", resp.StatusCode)
		}
	})
	t.Run("a stream that is cut", func(t *testing.T) {
		url := front(t, binary, functionURL)
		resp, err := http.Get(url + "/cut")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("a part was taken for the whole: %q", body)
		}
		if resp, _ := get(t, http.MethodGet, url+"/"); resp.StatusCode != 200 {
			t.Errorf("the function does not answer after a cut stream: %d", resp.StatusCode)
		}
	})
	t.Run("the process ends", func(t *testing.T) {
		f := runtimetest.Start(t, binary, "ECHO_FAIL_INIT=1")
		_, err := f.InvokeJSON(t.Context(), []byte(`{}`))
		if err == nil || !strings.Contains(err.Error(), "told to fail at start") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an event that is no HTTP request", func(t *testing.T) {
		f := runtimetest.Start(t, binary)
		_, err := f.InvokeJSON(t.Context(), []byte(`{"source":"aws.events"}`))
		var reported *runtimetest.FunctionError
		if !errors.As(err, &reported) || !strings.Contains(reported.Message, "lambda-payload") {
			t.Errorf("got %v", err)
		}
	})
}

func testVersion1Payload(t *testing.T, binary string) {
	f := runtimetest.Start(t, binary)
	out, err := f.InvokeJSON(t.Context(), []byte(`{"httpMethod":"GET","path":"/prod/a b","headers":{"Host":"h"},
		"multiValueHeaders":{"Host":["h"],"Accept":["image/png","image/jpeg"]},
		"queryStringParameters":{"q":"2"},"multiValueQueryStringParameters":{"q":["1 1","2"]},
		"requestContext":{"stage":"prod","requestId":"r-1","identity":{"sourceIp":"10.0.0.1"}},"body":null,"isBase64Encoded":false}`))
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		StatusCode        int
		MultiValueHeaders map[string][]string
		Body              string
	}
	var got seen
	if err := errors.Join(json.Unmarshal(out, &reply), json.Unmarshal([]byte(reply.Body), &got)); err != nil {
		t.Fatal(err, string(out))
	}
	if got.Path != "/prod/a b" || got.Query != "q=1+1&q=2" || got.Host != "h" || len(got.Header["Accept"]) != 2 || got.Remote != "10.0.0.1:0" {
		t.Errorf("got %+v", got)
	}
	if len(reply.MultiValueHeaders["Set-Cookie"]) != 2 || len(reply.MultiValueHeaders["Vary"]) != 2 {
		t.Errorf("headers %v", reply.MultiValueHeaders)
	}
}
