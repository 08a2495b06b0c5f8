package lambdaadapter_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/lambdaadapter"
)

// asked invokes a function that tells what it was asked.
func asked(t *testing.T, payload string) (uri, host string) {
	t.Helper()
	h := lambdaadapter.NewHTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		uri, host = r.RequestURI, r.Host
	}), lambdaadapter.Config{}, nil, nil)
	if _, err := h.Invoke(t.Context(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
	return uri, host
}

func TestTheStageIsTakenOffOnlyWhereAPIGatewayPutIt(t *testing.T) {
	const api = "abc.execute-api.eu-west-1.amazonaws.com"
	for _, c := range []struct{ stage, domain, path, want string }{
		{"prod", api, "/prod/image/a", "/image/a"},
		{"prod", api, "/prod", "/"},
		{"prod", api, "/prod/", "/"},
		{"prod", api, "/production/a", "/production/a"},
		{"$default", api, "/image/a", "/image/a"},
		{"image", "slides.example.org", "/image/a", "/image/a"},
		{"$default", "abc.lambda-url.eu-west-1.on.aws", "/image/a%2Fb", "/image/a%2Fb"},
		{"prod", "", "/prod/image/a", "/image/a"},
		{"$default", api, "/image/a b", "/image/a%20b"},           // a front that decodes
		{"$default", api, "/image/100%.svs", "/image/100%25.svs"}, // likewise
	} {
		uri, host := asked(t, fmt.Sprintf(`{"version":"2.0","rawPath":%q,"requestContext":{"stage":%q,"domainName":%q,"http":{"method":"GET"}}}`,
			c.path, c.stage, c.domain))
		if uri != c.want || host != c.domain {
			t.Errorf("%+v: asked for %q of %q", c, uri, host)
		}
	}
}

func FuzzInvoke(f *testing.F) {
	f.Add(`{"version":"2.0","rawPath":"/a%2Fb","rawQueryString":"q=1","headers":{"host":"h"},"cookies":["a=1"],"body":"aGk=","isBase64Encoded":true,"requestContext":{"http":{"method":"POST","sourceIp":"::1"}}}`)
	f.Add(`{"httpMethod":"GET","path":"/x","multiValueHeaders":{"Accept":["a","b"]},"multiValueQueryStringParameters":{"q":["1"]}}`)
	f.Add(`{"rawPath":"/%zz","requestContext":{"http":{"method":"\n"}}}`)
	h := lambdaadapter.NewHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		_, _ = io.Copy(w, r.Body)
	}), lambdaadapter.Config{}, nil, nil)
	f.Fuzz(func(t *testing.T, payload string) {
		out, err := h.Invoke(t.Context(), []byte(payload))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		var reply struct{ StatusCode int }
		if err := json.Unmarshal(out, &reply); err != nil || reply.StatusCode != 200 {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
