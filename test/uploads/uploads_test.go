// Package uploads_test sends files in parts straight to a real S3 server, with
// addresses that the service signs, and follows them until they can be viewed.
package uploads_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/pimsserver"
	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }

// service is the real program over buckets.
type service struct {
	*pimsserver.Server
	t *testing.T
}

// in is the service within a subtest.
func (s *service) in(t *testing.T) *service { return &service{s.Server, t} }

func TestUploads(t *testing.T) {
	s := &service{pimsserver.Start(t, "MAX_UPLOAD_BYTES=1GiB", "LOG_LEVEL=debug"), t}
	t.Run("a slide in checked parts is resumed and viewable", func(t *testing.T) { s.in(t).checkedParts() })
	t.Run("an upload without checksums has its addresses at once", func(t *testing.T) { s.in(t).unchecked() })
	t.Run("an aborted upload leaves nothing", func(t *testing.T) { s.in(t).aborted() })
	t.Run("clients elsewhere have the public endpoint", func(t *testing.T) { s.in(t).elsewhere() })
	t.Run("what can not be is refused", func(t *testing.T) { s.in(t).refused() })
}

// call sends JSON and reads the answer into out, which may be nil.
func (s *service) call(method, path string, body, out any, want int) {
	s.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if reply.StatusCode != want {
		s.t.Fatalf("%s %.80s: status %d, want %d: %.500s", method, path, reply.StatusCode, want, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.t.Fatalf("%s %.80s: %v in %.300s", method, path, err, answer)
		}
	}
}

type part struct {
	Number   int               `json:"number"`
	Size     int64             `json:"size,omitempty"`
	ETag     string            `json:"etag,omitempty"`
	Checksum string            `json:"checksum,omitempty"`
	URL      string            `json:"url,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
}

type parts struct {
	Parts []part `json:"parts"`
}

type upload struct {
	ID, Key, Name, Checksum string
	Size, PartSize          int64
	PartCount               int
	Parts                   []part
	ExpiresAt               *time.Time
}

type begin struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	Checksum string `json:"checksum,omitempty"`
}

type file struct {
	ID, Path, OriginalFilename, State string
	Size                              int64
}

// slideOf is a slide of at least so many bytes: what follows a TIFF's last
// structure means nothing.
func slideOf(t *testing.T, bytes int) []byte {
	t.Helper()
	data, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data); i < bytes; i++ {
		data = append(data, byte(i)) // no two parts alike
	}
	return data
}

func checksum(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// of is the bytes of part n.
func (u upload) of(data []byte, n int) []byte {
	from := (n - 1) * int(u.PartSize)
	return data[from:min(len(data), from+int(u.PartSize))]
}

// send puts a part where its address says.
func (s *service) send(p part, data []byte) part {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, p.URL, bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range p.Headers {
		request.Header.Set(name, value)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	if answer, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusOK {
		s.t.Fatalf("part %d: status %d: %s", p.Number, reply.StatusCode, answer)
	}
	return part{Number: p.Number, ETag: reply.Header.Get("ETag"), Checksum: p.Checksum}
}

// done waits until an import is over.
func (s *service) done(id string) (state, name string) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var report struct{ State, Name string }
		s.call("GET", "/imports/"+id, nil, &report, http.StatusOK)
		if report.State == "done" || report.State == "failed" {
			return report.State, report.Name
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the import is %s after a minute\n%s", report.State, s.Log())
		}
		time.Sleep(20 * time.Millisecond) // polling, with a deadline
	}
}

func (s *service) checkedParts() {
	t := s.t
	data := slideOf(t, 17<<20)
	var u upload
	s.call("POST", "/uploads", begin{"../my slide (1).svs", len(data), "CRC32C"}, &u, http.StatusCreated)
	if u.PartSize != 8<<20 || u.PartCount != 3 || len(u.Parts) != 0 || !strings.HasSuffix(u.Key, "/-.-my-slide--1-.svs") {
		t.Fatalf("the upload is %+v", u)
	}
	wanted := parts{}
	for n := 1; n <= u.PartCount; n++ {
		wanted.Parts = append(wanted.Parts, part{Number: n, Checksum: checksum(u.of(data, n))})
	}
	var signed upload
	s.call("POST", "/uploads/"+u.ID+"/parts", wanted, &signed, http.StatusOK)
	if len(signed.Parts) != 3 || signed.Parts[2].Size != int64(len(data)-16<<20) || signed.ExpiresAt == nil {
		t.Fatalf("the addresses are %+v", signed)
	}
	sent := parts{make([]part, 3)}
	for _, n := range []int{3, 1} {
		sent.Parts[n-1] = s.send(signed.Parts[n-1], u.of(data, n))
	}
	// Whoever was interrupted asks what is there.
	var there upload
	s.call("GET", "/uploads/"+u.ID, nil, &there, http.StatusOK)
	if len(there.Parts) != 2 || there.Parts[0].Number != 1 || there.Parts[1].Number != 3 || there.Parts[1].Checksum != wanted.Parts[2].Checksum {
		t.Fatalf("parts 1 and 3 are there, the answer says %+v", there.Parts)
	}
	s.call("POST", "/uploads/"+u.ID+"/complete", nil, nil, http.StatusBadRequest)
	sent.Parts[1] = s.send(signed.Parts[1], u.of(data, 2))
	var f file
	s.call("POST", "/uploads/"+u.ID+"/complete", sent, &f, http.StatusOK)
	if f.OriginalFilename != "../my slide (1).svs" || f.Size != int64(len(data)) || f.Path != f.ID+"/-.-my-slide--1-.svs" {
		t.Errorf("the file is %+v", f)
	}
	if state, _ := s.done(f.ID); state != "done" {
		t.Fatalf("the import is %s\n%s", state, s.Log())
	}
	s.call("GET", "/image/"+f.Path+"/info", nil, nil, http.StatusOK)
	// The upload is imported and moved by now; an answer that was lost comes again.
	var again file
	s.call("POST", "/uploads/"+u.ID+"/complete", sent, &again, http.StatusOK)
	if again.ID != f.ID {
		t.Errorf("completed again, the slide is %s, was %s", again.ID, f.ID)
	}
	s.call("GET", "/uploads/"+u.ID, nil, nil, http.StatusNotFound)
	s.call("DELETE", "/uploads/"+u.ID, nil, nil, http.StatusNotFound)
}

func (s *service) unchecked() {
	t := s.t
	data := slideOf(t, 9<<20)
	var u upload
	s.call("POST", "/uploads", begin{"a.svs", len(data), ""}, &u, http.StatusCreated)
	if len(u.Parts) != 2 || u.ExpiresAt == nil {
		t.Fatalf("the upload is %+v", u)
	}
	for _, p := range u.Parts {
		s.send(p, u.of(data, p.Number))
	}
	var f file
	s.call("POST", "/uploads/"+u.ID+"/complete", nil, &f, http.StatusOK) // with what is there
	if state, name := s.done(f.ID); state != "done" || name != "a.svs" {
		t.Fatalf("the import of %s is %s\n%s", name, state, s.Log())
	}
}

func (s *service) aborted() {
	t := s.t
	var u upload
	s.call("POST", "/uploads", begin{"a.svs", 10, ""}, &u, http.StatusCreated)
	s.send(u.Parts[0], []byte("0123456789"))
	s.call("DELETE", "/uploads/"+u.ID, nil, nil, http.StatusNoContent)
	s.call("POST", "/uploads/"+u.ID+"/complete", nil, nil, http.StatusNotFound)
	for o, err := range s.Gateway.Store(t, pimsserver.UploadsBucket, "").List(t.Context(), "") {
		t.Errorf("left in the bucket: %+v %v", o, err)
	}
}

// elsewhere has a server whose clients reach the store by another address.
func (s *service) elsewhere() {
	t := s.t
	public := s.Gateway.Public(t)
	outer := &service{s.Beside(t, "S3_PUBLIC_ENDPOINT="+public.URL, "EXPORT_LINK=1m"), t}
	var u upload
	data := slideOf(t, 1000)
	outer.call("POST", "/uploads", begin{"elsewhere.svs", len(data), ""}, &u, http.StatusCreated)
	if !strings.HasPrefix(u.Parts[0].URL, public.URL+"/") {
		t.Fatalf("the part goes to %s, want %s", u.Parts[0].URL, public.URL)
	}
	outer.send(u.Parts[0], data)
	var f file
	outer.call("POST", "/uploads/"+u.ID+"/complete", nil, &f, http.StatusOK)
	if state, _ := outer.done(f.ID); state != "done" {
		t.Fatalf("the import is %s\n%s", state, outer.Log())
	}
	reply, err := http.Get(outer.URL + "/image/" + f.Path + "/export")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err := io.ReadAll(reply.Body); err != nil || !bytes.Equal(body, data) || !strings.HasPrefix(reply.Request.URL.String(), public.URL+"/") {
		t.Errorf("the export has %d bytes (%v) from %s, want the slide from %s", len(body), err, reply.Request.URL, public.URL)
	}
	if n := public.Requests.Load(); n != 2 {
		t.Errorf("%d requests came by the public endpoint, want the part and the export", n)
	}
	page, err := http.Get(outer.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, public.URL) {
		t.Errorf("the page may not send parts to %s: its policy is %q", public.URL, policy)
	}
}

func (s *service) refused() {
	t := s.t
	var u upload
	s.call("POST", "/uploads", begin{"a.svs", 20 << 20, "CRC32C"}, &u, http.StatusCreated)
	for name, row := range map[string]struct {
		path   string
		body   any
		status int
	}{
		"no name":           {"/uploads", begin{"", 10, ""}, 422},
		"a long name":       {"/uploads", begin{strings.Repeat("x", 2000), 10, ""}, 422},
		"no size":           {"/uploads", begin{"a", 0, ""}, 422},
		"over the limit":    {"/uploads", begin{"a", 1<<30 + 1, ""}, 422},
		"another checksum":  {"/uploads", begin{"a", 10, "MD5"}, 422},
		"no JSON object":    {"/uploads", []int{1}, 400},
		"no parts":          {"/uploads/" + u.ID + "/parts", parts{}, 400},
		"too many parts":    {"/uploads/" + u.ID + "/parts", parts{make([]part, 1001)}, 400},
		"no such part":      {"/uploads/" + u.ID + "/parts", parts{[]part{{Number: 4, Checksum: "AAAAAA=="}}}, 400},
		"no checksum":       {"/uploads/" + u.ID + "/parts", parts{[]part{{Number: 1}}}, 400},
		"a bad checksum":    {"/uploads/" + u.ID + "/parts", parts{[]part{{Number: 1, Checksum: "AAAA"}}}, 400},
		"parts twice":       {"/uploads/" + u.ID + "/complete", parts{[]part{{Number: 1, ETag: "x", Checksum: "AAAAAA=="}, {Number: 1, ETag: "x", Checksum: "AAAAAA=="}}}, 400},
		"no ETag":           {"/uploads/" + u.ID + "/complete", parts{[]part{{Number: 1, Checksum: "AAAAAA=="}}}, 400},
		"no such upload":    {"/uploads/nothing/complete", nil, 404},
		"another folder":    {"/uploads/" + forged(t, u.ID, "f", "../../etc") + "/parts", nil, 404},
		"no folder":         {"/uploads/" + forged(t, u.ID, "f", "") + "/parts", nil, 404},
		"a forged size":     {"/uploads/" + forged(t, u.ID, "b", 1<<40) + "/parts", nil, 404},
		"forged part sizes": {"/uploads/" + forged(t, u.ID, "p", 1) + "/parts", nil, 404},
		"another upload":    {"/uploads/" + forged(t, u.ID, "s", "00000000-0000-0000-0000-000000000000") + "/complete", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			s.in(t).call("POST", row.path, row.body, nil, row.status)
		})
	}
}

// forged is an id with another value in it.
func forged(t *testing.T, id, member string, value any) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	members[member] = value
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
