package docs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/web/webtest"
)

// request is one row: an operation of the document, and a real request for it.
// {P} stands for the slide's path, {ID} for its id, {UPLOADED} for the path of
// the slide that the first request uploaded.
type request struct {
	method, template, target string
	body, bodyType           string
	status                   int
}

var requests = []request{
	{method: "GET", template: "/slides", target: "slides?limit=10"},
	{method: "GET", template: "/slides", target: "slides?limit=0", status: 422},
	{method: "GET", template: "/uploads", target: "uploads"},
	{method: "POST", template: "/uploads", target: "uploads", body: `{"name":"a.svs","size":1}`, bodyType: "application/json", status: 501},
	{method: "GET", template: "/uploads/{id}", target: "uploads/x", status: 501},
	{method: "DELETE", template: "/uploads/{id}", target: "uploads/x", status: 501},
	{method: "POST", template: "/uploads/{id}/parts", target: "uploads/x/parts", body: `{"parts":[{"number":1}]}`, bodyType: "application/json", status: 501},
	{method: "POST", template: "/uploads/{id}/complete", target: "uploads/x/complete", body: `{}`, bodyType: "application/json", status: 501},
	{method: "POST", template: "/import", target: "import", status: 422},
	{method: "POST", template: "/import", target: "import?storage_id=5", status: 401},
	{method: "GET", template: "/imports/{id}", target: "imports/{ID}"},
	{method: "GET", template: "/imports/{id}", target: "imports/upload-00000000-0000-5000-8000-000000000000", status: 404},
	{method: "GET", template: "/imports/{id}/events", target: "imports/{ID}/events"},
	{method: "GET", template: "/file/{path}/info", target: "file/{P}/info"},
	{method: "GET", template: "/file/{path}/info", target: "file/upload-none/x/info", status: 404},
	{method: "GET", template: "/image/{path}/info", target: "image/{P}/info"},
	{method: "GET", template: "/image/{path}/info/image", target: "image/{P}/info/image"},
	{method: "GET", template: "/image/{path}/info/channels", target: "image/{P}/info/channels"},
	{method: "GET", template: "/image/{path}/info/normalized-pyramid", target: "image/{P}/info/normalized-pyramid"},
	{method: "GET", template: "/image/{path}/info/instrument", target: "image/{P}/info/instrument"},
	{method: "GET", template: "/image/{path}/info/associated", target: "image/{P}/info/associated"},
	{method: "GET", template: "/image/{path}/info/representations", target: "image/{P}/info/representations"},
	{method: "GET", template: "/image/{path}/info/representations/{role}", target: "image/{P}/info/representations/SPATIAL"},
	{method: "GET", template: "/image/{path}/info/representations/{role}", target: "image/{P}/info/representations/SPECTRAL", status: 404},
	{method: "GET", template: "/image/{path}/metadata", target: "image/{P}/metadata"},
	{method: "GET", template: "/image/{path}/metadata/annotations", target: "image/{P}/metadata/annotations"},
	{method: "GET", template: "/image/{path}/thumb", target: "image/{P}/thumb?length=64"},
	{method: "GET", template: "/image/{path}/thumb", target: "image/{P}/thumb.png?length=64"},
	{method: "GET", template: "/image/{path}/thumb", target: "image/{P}/thumb?length=0", status: 422},
	{method: "POST", template: "/image/{path}/thumb", target: "image/{P}/thumb", body: `{"length":64}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/thumb", target: "image/{P}/thumb", body: `{"length":`, bodyType: "application/json", status: 422},
	{method: "GET", template: "/image/{path}/resized", target: "image/{P}/resized?length=64&bits=4&colorspace=GRAY"},
	{method: "GET", template: "/image/{path}/resized", target: "image/{P}/resized.png?level=99", status: 400},
	{method: "POST", template: "/image/{path}/resized", target: "image/{P}/resized", body: `{"zoom":0,"channels":[0],"colormaps":"JET"}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/resized", target: "image/{P}/resized", body: `{}`, bodyType: "application/json", status: 400},
	{method: "POST", template: "/image/{path}/window", target: "image/{P}/window.png", body: `{"region":{"left":0,"top":0,"width":64,"height":32},"level":0}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/window", target: "image/{P}/window", body: `{"level":0}`, bodyType: "application/json", status: 422},
	{method: "POST", template: "/image/{path}/annotation/mask", target: "image/{P}/annotation/mask", body: `{"annotations":{"geometry":"POINT (3 3)"},"level":0}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/annotation/mask", target: "image/{P}/annotation/mask", body: `{"annotations":[],"level":0}`, bodyType: "application/json", status: 400},
	{method: "POST", template: "/image/{path}/annotation/crop", target: "image/{P}/annotation/crop.png", body: `{"annotations":[{"geometry":"POLYGON ((0 0, 40 0, 20 40, 0 0))"}],"length":32}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/annotation/crop", target: "image/{P}/annotation/crop.png", body: `{"annotations":[{"geometry":"SQUARE (1)"}],"length":32}`, bodyType: "application/json", status: 400},
	{method: "POST", template: "/image/{path}/annotation/drawing", target: "image/{P}/annotation/drawing.jpg", body: `{"annotations":[{"geometry":"POINT (50 50)","stroke_color":"red"}],"length":64}`, bodyType: "application/json"},
	{method: "GET", template: "/image/{path}/associated/{name}", target: "image/{P}/associated/macro"},
	{method: "GET", template: "/image/{path}/tile/zoom/{zoom}/ti/{ti}", target: "image/{P}/tile/zoom/0/ti/0"},
	{method: "GET", template: "/image/{path}/tile/zoom/{zoom}/ti/{ti}", target: "image/{P}/tile/zoom/99/ti/0", status: 400},
	{method: "GET", template: "/image/{path}/tile/level/{level}/ti/{ti}", target: "image/{P}/tile/level/0/ti/0.jpg"},
	{method: "GET", template: "/image/{path}/tile/zoom/{zoom}/tx/{tx}/ty/{ty}", target: "image/{P}/tile/zoom/0/tx/0/ty/0"},
	{method: "GET", template: "/image/{path}/tile/level/{level}/tx/{tx}/ty/{ty}", target: "image/{P}/tile/level/0/tx/0/ty/0"},
	{method: "GET", template: "/image/{path}/normalized-tile/zoom/{zoom}/tx/{tx}/ty/{ty}", target: "image/{P}/normalized-tile/zoom/0/tx/0/ty/0"},
	{method: "GET", template: "/image/{path}/normalized-tile/level/{level}/tx/{tx}/ty/{ty}", target: "image/{P}/normalized-tile/level/0/tx/0/ty/0"},
	{method: "GET", template: "/image/{path}/normalized-tile/zoom/{zoom}/ti/{ti}", target: "image/{P}/normalized-tile/zoom/0/ti/0"},
	{method: "GET", template: "/image/{path}/normalized-tile/level/{level}/ti/{ti}", target: "image/{P}/normalized-tile/level/0/ti/0"},
	{method: "POST", template: "/image/{path}/tile", target: "image/{P}/tile", body: `{"tile":{"zoom":0,"ti":0}}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/normalized-tile", target: "image/{P}/normalized-tile", body: `{"tile":{"level":0,"tx":0,"ty":0}}`, bodyType: "application/json"},
	{method: "GET", template: "/image/{path}.dzi", target: "image/{P}.dzi"},
	{method: "GET", template: "/image/{path}_files/{deepZoomLevel}/{column}_{row}.{format}", target: "image/{P}_files/0/0_0.jpg"},
	{method: "POST", template: "/image/{path}/tile/zoom/{zoom}/ti/{ti}", target: "image/{P}/tile/zoom/0/ti/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/tile/zoom/{zoom}/tx/{tx}/ty/{ty}", target: "image/{P}/tile/zoom/0/tx/0/ty/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/tile/level/{level}/ti/{ti}", target: "image/{P}/tile/level/0/ti/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/tile/level/{level}/tx/{tx}/ty/{ty}", target: "image/{P}/tile/level/0/tx/0/ty/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/normalized-tile/zoom/{zoom}/ti/{ti}", target: "image/{P}/normalized-tile/zoom/0/ti/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/normalized-tile/zoom/{zoom}/tx/{tx}/ty/{ty}", target: "image/{P}/normalized-tile/zoom/0/tx/0/ty/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/normalized-tile/level/{level}/ti/{ti}", target: "image/{P}/normalized-tile/level/0/ti/0", body: `{}`, bodyType: "application/json"},
	{method: "POST", template: "/image/{path}/normalized-tile/level/{level}/tx/{tx}/ty/{ty}", target: "image/{P}/normalized-tile/level/0/tx/0/ty/0", body: `{}`, bodyType: "application/json"},
	{method: "GET", template: "/image/tile.jpg", target: "image/tile.jpg?zoomify={P}&x=0&y=0&z=0"},
	{method: "GET", template: "/image/tile.jpg", target: "image/tile.jpg", status: 422},
	{method: "GET", template: "/slice/tile", target: "slice/tile?fif={P}&tileIndex=0&z=0"},
	{method: "GET", template: "/slice/tile", target: "slice/tile?z=0", status: 400},
	{method: "GET", template: "/file/{path}/export", target: "file/{P}/export"},
	{method: "GET", template: "/image/{path}/export", target: "image/{P}/export?filename=other.svs"},
	{method: "GET", template: "/image/{path}/histogram/per-image", target: "image/{P}/histogram/per-image?n_bins=8"},
	{method: "GET", template: "/image/{path}/histogram/per-image", target: "image/{P}/histogram/per-image?n_bins=7", status: 400},
	{method: "GET", template: "/image/{path}/histogram/per-image/bounds", target: "image/{P}/histogram/per-image/bounds"},
	{method: "GET", template: "/image/{path}/histogram/per-channels", target: "image/{P}/histogram/per-channels?channels=0,2&full_range=true"},
	{method: "GET", template: "/image/{path}/histogram/per-channels/bounds", target: "image/{P}/histogram/per-channels/bounds"},
	{method: "GET", template: "/image/{path}/histogram/per-plane/z/{z}/t/{t}", target: "image/{P}/histogram/per-plane/z/0/t/0"},
	{method: "GET", template: "/image/{path}/histogram/per-plane/z/{z}/t/{t}/bounds", target: "image/{P}/histogram/per-plane/z/0/t/0/bounds"},
	{method: "POST", template: "/image/{path}/histogram", target: "image/{P}/histogram?overwrite=false"},
	{method: "POST", template: "/image/{path}/histogram", target: "image/{P}/histogram", status: 201},
	{method: "GET", template: "/filters", target: "filters"},
	{method: "GET", template: "/filters/{id}", target: "filters/binary"},
	{method: "GET", template: "/filters/{id}", target: "filters/none", status: 404},
	{method: "GET", template: "/colormaps", target: "colormaps?with_inverted=true"},
	{method: "GET", template: "/colormaps/{id}", target: "colormaps/jet"},
	{method: "GET", template: "/colormaps/{id}", target: "colormaps/none", status: 404},
	{method: "GET", template: "/colormaps/{id}/representation", target: "colormaps/JET/representation.png"},
	{method: "GET", template: "/formats", target: "formats"},
	{method: "GET", template: "/formats/{id}", target: "formats/svs"},
	{method: "GET", template: "/formats/{id}", target: "formats/none", status: 404},
	{method: "GET", template: "/image/{path}/pixel", target: "image/{P}/pixel?x=3&y=4"},
	{method: "GET", template: "/image/{path}/pixel", target: "image/{P}/pixel?x=3", status: 422},
	{method: "GET", template: "/session", target: "session"},
	{method: "POST", template: "/session", target: "session"},
	{method: "DELETE", template: "/session", target: "session"},
	{method: "GET", template: "/ready", target: "ready"},
	{method: "GET", template: "/ping", target: "ping"},
	{method: "GET", template: "/info", target: "info"},
	{method: "GET", template: "/disk-usage", target: "disk-usage"},
	{method: "GET", template: "/directory/{directory}/disk-usage", target: "directory/{ID}/disk-usage"},
	{method: "GET", template: "/storage/size.json", target: "storage/size.json"},
	{method: "DELETE", template: "/file/{path}", target: "file/{UPLOADED}", status: 204},
	{method: "DELETE", template: "/image/{path}", target: "image/{P}"},
	{method: "DELETE", template: "/image/{path}", target: "image/{P}", status: 404},
}

func TestRepliesAreWhatTheDocumentSays(t *testing.T) {
	server := webtest.Serve(t)
	file := testfiles.Own(t, "svs/rgb-240.svs")
	id, path := server.ImportFile(t, file)
	document := fetchDocument(t, server.Base)

	exercised := map[string]bool{}
	uploaded := "" // the path of the slide that was uploaded
	for _, r := range append([]request{uploadOf(t, file)}, requests...) {
		if r.status == 0 {
			r.status = http.StatusOK
		}
		r.target = strings.NewReplacer("{P}", path, "{ID}", id, "{UPLOADED}", uploaded).Replace(r.target)
		t.Run(r.method+" "+strings.ReplaceAll(r.target, "/", "|"), func(t *testing.T) {
			operation := operationOf(t, document, r)
			reply, body := send(t, server.Base, r, "")
			if reply.StatusCode != r.status {
				t.Fatalf("status %d, want %d: %.300s", reply.StatusCode, r.status, body)
			}
			mustConform(t, operation, reply, body)
			if r.template == "/upload" && r.status == http.StatusOK {
				uploaded = uploadedPath(t, body)
			}
			if r.status < http.StatusBadRequest || operation.Responses.Status(r.status) != nil {
				exercised[r.method+" "+r.template] = true
				mustRevalidate(t, server.Base, r, operation, reply)
			}
		})
	}
	for template, item := range document.Paths.Map() {
		for method := range item.Operations() {
			if !exercised[method+" "+template] {
				t.Errorf("%s %s is documented, but no request of this test succeeds there", method, template)
			}
		}
	}
}

func fetchDocument(t *testing.T, base string) *openapi3.T {
	t.Helper()
	reply, err := http.Get(base + "openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("the server's openapi.json cannot be loaded: %v", err)
	}
	return document
}

func uploadOf(t *testing.T, file string) request {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("files[]", "another.svs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return request{method: "POST", template: "/upload", target: "upload?sync=true", body: body.String(), bodyType: form.FormDataContentType()}
}

func uploadedPath(t *testing.T, body []byte) string {
	t.Helper()
	var reply []struct {
		UploadedFile struct{ Path string } `json:"uploadedFile"`
	}
	if err := json.Unmarshal(body, &reply); err != nil || len(reply) == 0 {
		t.Fatalf("the upload's reply is no list of files: %v", err)
	}
	return reply[0].UploadedFile.Path
}

func operationOf(t *testing.T, document *openapi3.T, r request) *openapi3.Operation {
	t.Helper()
	item := document.Paths.Value(r.template)
	if item == nil || item.GetOperation(r.method) == nil {
		t.Fatalf("%s %s is not in the document", r.method, r.template)
	}
	return item.GetOperation(r.method)
}

func send(t *testing.T, base string, r request, ifNoneMatch string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, base+r.target, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "image/png, application/json, */*")
	if r.bodyType != "" {
		req.Header.Set("Content-Type", r.bodyType)
	}
	if ifNoneMatch != "" {
		req.Header.Set("If-None-Match", ifNoneMatch)
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply, body
}

// mustConform holds status, media type and JSON body against the document.
func mustConform(t *testing.T, operation *openapi3.Operation, reply *http.Response, body []byte) {
	t.Helper()
	documented := operation.Responses.Status(reply.StatusCode)
	if documented == nil && reply.StatusCode >= 400 {
		documented = operation.Responses.Default()
	}
	if documented == nil {
		t.Fatalf("status %d is not in the document", reply.StatusCode)
	}
	content := documented.Value.Content
	if len(content) == 0 {
		if len(body) > 0 {
			t.Errorf("a body of %d bytes, but the document has none", len(body))
		}
		return
	}
	mediaType, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	if err != nil || content.Get(mediaType) == nil {
		t.Fatalf("media type %q is not in the document", reply.Header.Get("Content-Type"))
	}
	if mediaType != "application/json" {
		if len(body) == 0 {
			t.Error("an empty body")
		}
		return
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	if err := content[mediaType].Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsResponse()); err != nil {
		t.Errorf("the body is not what the document says: %v\n%.600s", err, body)
	}
}

// mustRevalidate asks again with the ETag where the document promises a 304.
func mustRevalidate(t *testing.T, base string, r request, operation *openapi3.Operation, first *http.Response) {
	t.Helper()
	if r.method != http.MethodGet || operation.Responses.Status(http.StatusNotModified) == nil {
		return
	}
	tag := first.Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag, but the document promises 304")
	}
	again, body := send(t, base, r, tag)
	if again.StatusCode != http.StatusNotModified || len(body) > 0 {
		t.Errorf("with If-None-Match %s: status %d and %d bytes, want 304 and none", tag, again.StatusCode, len(body))
	}
}
