package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

const directKey = "a folder/what+is ünder 100%.bin"

// direct is an upload that a client makes itself.
type direct struct {
	*suite
	upload  objectstore.DirectUpload
	checked bool
}

// beginDirect begins one; ok is false when the store takes none, and says so.
func (s *suite) beginDirect(checked bool) (d direct, ok bool) {
	s.t.Helper()
	upload, err := s.store().BeginUpload(s.t.Context(), directKey, checked)
	if !s.store().CanUploadDirect() {
		s.wantKind("a store without direct uploads", err, fault.Unsupported)
		return direct{}, false
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return direct{suite: s, upload: upload, checked: checked}, true
}

func checksum(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// address signs a part of what data has.
func (d direct) address(number int, data []byte) (objectstore.PartAddress, objectstore.DirectPart) {
	d.t.Helper()
	part := objectstore.DirectPart{Number: number, Size: int64(len(data))}
	if d.checked {
		part.CRC32C = checksum(data)
	}
	address, err := d.store().PresignPart(d.t.Context(), d.upload, part, time.Hour)
	if err != nil {
		d.t.Fatal(err)
	}
	return address, part
}

// put sends data to an address as anybody does.
func (d direct) put(address objectstore.PartAddress, data []byte) *http.Response {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, address.URL, bytes.NewReader(data))
	if err != nil {
		d.t.Fatal(err)
	}
	for name, value := range address.Header {
		request.Header.Set(name, value)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	return reply
}

// send signs, sends and gives the part as it must be completed.
func (d direct) send(number int, data []byte) objectstore.DirectPart {
	d.t.Helper()
	address, part := d.address(number, data)
	reply := d.put(address, data)
	if reply.StatusCode != http.StatusOK {
		d.t.Fatalf("part %d: status %d", number, reply.StatusCode)
	}
	part.ETag = strings.Trim(reply.Header.Get("ETag"), `"`)
	return part
}

// testDirect: a client without credentials sends an object in parts, in any
// order and some of them twice, and it is there once it is complete.
func testDirect(t *testing.T, s *suite) {
	first, second := bytes.Repeat([]byte("0123456789abcdef"), objectstore.MinPartBytes/16), []byte("the rest")
	for _, checked := range []bool{false, true} {
		d, ok := s.beginDirect(checked)
		if !ok {
			return
		}
		two := d.send(2, second)
		d.send(1, bytes.Repeat([]byte{'x'}, objectstore.MinPartBytes))
		one := d.send(1, first)
		there, err := s.store().UploadedParts(t.Context(), d.upload)
		if err != nil || len(there) != 2 || there[0] != one || there[1] != two {
			t.Fatalf("checked %t: the parts are %+v (%v), want %+v", checked, there, err, []objectstore.DirectPart{one, two})
		}
		_, err = s.store().Stat(t.Context(), directKey)
		s.wantKind("an object before it is complete", err, fault.NotFound)
		wrong := two
		wrong.ETag = one.ETag
		_, err = s.store().CompleteUpload(t.Context(), d.upload, []objectstore.DirectPart{one, wrong})
		s.wantKind("completing with another part's ETag", err, fault.Invalid)
		o, err := s.store().CompleteUpload(t.Context(), d.upload, []objectstore.DirectPart{one, two})
		if err != nil {
			t.Fatalf("checked %t: %v", checked, err)
		}
		now, err := s.store().Stat(t.Context(), directKey)
		if err != nil || now.ETag != o.ETag || now.Size != o.Size || o.Size != int64(len(first)+len(second)) {
			t.Errorf("checked %t: completed as %+v, but there is %+v (%v)", checked, o, now, err)
		}
		data, _, err := s.store().Get(t.Context(), directKey, o.Size)
		if err != nil || !bytes.Equal(data, append(bytes.Clone(first), second...)) {
			t.Errorf("checked %t: the object has other bytes (%v)", checked, err)
		}
		if _, err = s.store().UploadedParts(t.Context(), d.upload); fault.CodeOf(err) != "store-no-upload" {
			t.Errorf("the parts of a completed upload: %v, want store-no-upload", err)
		}
		if err := s.store().Delete(t.Context(), directKey); err != nil {
			t.Fatal(err)
		}
	}
}

// testDirectBounds: an address is good for the bytes that it was signed for.
func testDirectBounds(t *testing.T, s *suite) {
	d, ok := s.beginDirect(true)
	if !ok {
		return
	}
	data := []byte("what was announced")
	address, _ := d.address(1, data)
	for name, row := range map[string]struct {
		address objectstore.PartAddress
		data    []byte
	}{
		"other bytes":         {address, []byte("WHAT WAS ANNOUNCED")},
		"more bytes":          {address, []byte("what was announced and more")},
		"no checksum":         {objectstore.PartAddress{URL: address.URL}, data},
		"another part":        {objectstore.PartAddress{URL: strings.Replace(address.URL, "partNumber=1", "partNumber=2", 1), Header: address.Header}, data},
		"a signature changed": {objectstore.PartAddress{URL: address.URL[:len(address.URL)-1], Header: address.Header}, data},
	} {
		if reply := d.put(row.address, row.data); reply.StatusCode < 400 || reply.StatusCode >= 500 {
			t.Errorf("%s: status %d, want a refusal", name, reply.StatusCode)
		}
	}
	if parts, err := s.store().UploadedParts(t.Context(), d.upload); err != nil || len(parts) != 0 {
		t.Errorf("after refusals only, the parts are %+v (%v)", parts, err)
	}
	for _, part := range []objectstore.DirectPart{{Number: 0, Size: 1}, {Number: objectstore.MaxUploadParts + 1, Size: 1}, {Number: 1}, {Number: 1, Size: 5<<30 + 1}} {
		_, err := s.store().PresignPart(t.Context(), d.upload, part, time.Hour)
		s.wantKind("an address of an impossible part", err, fault.Invalid)
	}
}

// testDirectAborted: what was aborted is gone, and nothing else comes of it.
func testDirectAborted(t *testing.T, s *suite) {
	d, ok := s.beginDirect(true)
	if !ok {
		return
	}
	part := d.send(1, []byte("some bytes"))
	if err := s.store().AbortUpload(t.Context(), d.upload); err != nil {
		t.Fatal(err)
	}
	_, err := s.store().CompleteUpload(t.Context(), d.upload, []objectstore.DirectPart{part})
	s.wantKind("completing what was aborted", err, fault.NotFound)
	_, err = s.store().UploadedParts(t.Context(), d.upload)
	s.wantKind("listing what was aborted", err, fault.NotFound)
	s.wantKind("aborting what was aborted", s.store().AbortUpload(t.Context(), d.upload), fault.NotFound)
	_, err = s.store().Stat(t.Context(), directKey)
	s.wantKind("the object of what was aborted", err, fault.NotFound)
}
