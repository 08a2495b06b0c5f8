package lambdaadapter_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/lambdaadapter"
)

// refusing answers every request with this code and status, as the API does.
func refusing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-First", "1")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, `{"title":"Not Implemented","type":"urn:pims:problem:%s","status":%d}`, code, status)
		}
	}
}

// other is the function with libvips.
type other struct {
	asked  int
	method string
	uri    string
	header http.Header
	body   string
}

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.asked++
	o.method, o.uri, o.header, o.body = r.Method, r.RequestURI, r.Header.Clone(), string(body)
	w.Header().Set("Content-Type", "image/webp")
	w.Header().Add("Set-Cookie", "a=1")
	w.Header().Add("Set-Cookie", "b=2")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "\xff\x00 picture")
}

type forwarded struct {
	StatusCode      int
	Headers         map[string]string
	Cookies         []string
	Body            string
	IsBase64Encoded bool
}

func forwardTo(t *testing.T, url string, next http.HandlerFunc, payload string) forwarded {
	t.Helper()
	h := lambdaadapter.NewHTTP(next, lambdaadapter.Config{ForwardURL: url}, nil, nil)
	out, err := h.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	var got forwarded
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

const posted = `{"version":"2.0","rawPath":"/image/a%2Fb/window","rawQueryString":"q=1;2&x=%20",
	"headers":{"host":"front.example","accept":"image/webp","authorization":"Bearer t","content-type":"application/json"},
	"cookies":["grant=1"],"body":"{\"level\":0}","requestContext":{"requestId":"r-7","http":{"method":"POST","sourceIp":"10.1.2.3"}}}`

func TestWhatNeedsLibvipsIsPassedOn(t *testing.T) {
	o := &other{}
	server := httptest.NewServer(o)
	defer server.Close()
	got := forwardTo(t, server.URL+"/base", refusing(http.StatusNotImplemented, "codec-needs-libvips"), posted)
	want := forwarded{StatusCode: http.StatusCreated, Cookies: []string{"a=1", "b=2"}, Body: "/wAgcGljdHVyZQ==", IsBase64Encoded: true}
	kind := got.Headers["Content-Type"]
	got.Headers = nil
	if diff := cmp.Diff(want, got); diff != "" || kind != "image/webp" {
		t.Errorf("reply of type %q (-want +got):\n%s", kind, diff)
	}
	if o.asked != 1 || o.method != "POST" || o.uri != "/base/image/a%2Fb/window?q=1;2&x=%20" || o.body != `{"level":0}` {
		t.Errorf("it was asked %+v", o)
	}
	for name, text := range map[string]string{
		"Accept": "image/webp", "Authorization": "Bearer t", "Content-Type": "application/json", "Cookie": "grant=1",
		"X-Request-Id": "r-7", "X-Forwarded-Host": "front.example", "X-Forwarded-For": "10.1.2.3", "X-Pims-Forwarded": "1",
	} {
		if o.header.Get(name) != text {
			t.Errorf("header %s is %q, want %q", name, o.header.Get(name), text)
		}
	}
}

func TestAMediaTypeThatIsNotWrittenHereIsPassedOn(t *testing.T) {
	o := &other{}
	server := httptest.NewServer(o)
	defer server.Close()
	if got := forwardTo(t, server.URL, refusing(http.StatusNotAcceptable, "not-acceptable"), posted); o.asked != 1 || got.StatusCode != http.StatusCreated {
		t.Errorf("asked %d times, reply %+v", o.asked, got)
	}
}

func TestHeadIsPassedOnToo(t *testing.T) {
	o := &other{}
	server := httptest.NewServer(o)
	defer server.Close()
	got := forwardTo(t, server.URL, refusing(http.StatusNotImplemented, "codec-needs-libvips"),
		`{"rawPath":"/x","requestContext":{"http":{"method":"HEAD","sourceIp":"::1"}}}`)
	if o.method != "HEAD" || got.StatusCode != http.StatusCreated || got.Body != "" {
		t.Errorf("asked %q, reply %+v", o.method, got)
	}
}

func TestWhatIsNotPassedOn(t *testing.T) {
	o := &other{}
	server := httptest.NewServer(o)
	defer server.Close()
	const get = `{"rawPath":"/x","headers":{%s},"requestContext":{"http":{"method":"GET","sourceIp":"::1"}}}`
	for _, c := range []struct {
		name, headers, code string
		status              int
	}{
		{"a request that was passed on before", `"x-pims-forwarded":"1"`, "codec-needs-libvips", http.StatusNotImplemented},
		{"another thing that is not offered", "", "uploads-not-offered", http.StatusNotImplemented},
		{"another status", "", "codec-needs-libvips", http.StatusBadRequest},
		{"another 406", "", "something-else", http.StatusNotAcceptable},
	} {
		got := forwardTo(t, server.URL, refusing(c.status, c.code), fmt.Sprintf(get, c.headers))
		if o.asked != 0 || got.StatusCode != c.status || got.Headers["X-First"] != "1" {
			t.Errorf("%s: asked %d times, reply %+v", c.name, o.asked, got)
		}
	}
	server.Close()
	got := forwardTo(t, server.URL, refusing(http.StatusNotImplemented, "codec-needs-libvips"), fmt.Sprintf(get, ""))
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.StatusCode != http.StatusBadGateway || p.Code != "forward-failed" {
		t.Errorf("nobody there: %+v", got)
	}
}
