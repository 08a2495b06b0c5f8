package transfer

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// errFile tells that the file, not the network, is what failed.
var errFile = errors.New("the file can not be read")

// checksum is the CRC-32C of part n, as the store wants it.
func (u *sending) checksum(n int) (string, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, u.section(n)); err != nil {
		return "", fault.New(fault.Invalid, "upload-file", "%s can not be read to its end.", u.name).Because(err)
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32())), nil
}

// put sends a part to the store and gives its ETag. No credential of the service
// goes along.
func (u *sending) put(ctx context.Context, p part) (etag string, err error) {
	body := &counting{from: u.section(p.Number), add: u.add}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, body)
	if err != nil {
		return "", err
	}
	request.ContentLength = u.sizeOf(p.Number)
	for name, value := range p.Headers {
		request.Header.Set(name, value)
	}
	defer func() {
		if err != nil {
			u.add(-body.read) // it is not there
		}
	}()
	reply, err := u.client.HTTP.Do(request)
	if err != nil {
		if body.failed {
			return "", errors.Join(errFile, err)
		}
		return "", withoutAddress(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(reply.Body, 500))
		return "", fmt.Errorf("the store answered with status %d: %s", reply.StatusCode, said)
	}
	if etag = strings.Trim(reply.Header.Get("ETag"), `"`); etag == "" {
		return "", errors.New("the store answered without ETag")
	}
	return etag, nil
}

// counting tells what was read of a part.
type counting struct {
	from   io.Reader
	add    func(int64)
	read   int64
	failed bool
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read += int64(n)
	c.add(int64(n))
	c.failed = c.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// whole sends a file in one request, for stores that take no parts.
func (u *sending) whole(ctx context.Context) (Sent, error) {
	body, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		part, err := form.CreateFormFile("files[]", u.name)
		if err == nil {
			_, err = io.Copy(part, &counting{from: io.NewSectionReader(u.file, 0, u.size), add: u.add})
		}
		if err == nil {
			err = form.Close()
		}
		writer.CloseWithError(err) // nil is the end
	}()
	defer func() { _ = body.Close() }() // ends the goroutine when the request failed early
	request, err := u.client.request(ctx, http.MethodPost, "/upload", body)
	if err != nil {
		return Sent{}, err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	var answers []struct {
		UploadedFile struct{ ID, Path string } `json:"uploadedFile"`
	}
	if err := u.client.do(request, &answers); err != nil {
		return Sent{}, err
	}
	if len(answers) != 1 {
		return Sent{}, fault.New(fault.Internal, "upload-answer", "The service answered for %d files.", len(answers))
	}
	return Sent{ID: answers[0].UploadedFile.ID, Path: answers[0].UploadedFile.Path}, nil
}
