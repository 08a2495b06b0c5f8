package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// answer is what a server said to the request for a range.
type answer struct {
	body         io.ReadCloser
	etag         string // without quotes
	contentRange string
	length       int64 // of the body; -1 when not told
}

// ranged asks for a range, and gives an answer only if it is exactly that range
// of version etag ("" matches every one). The caller closes its body.
//
// It goes by a presigned URL, which costs a sixth of the SDK's GetObject, and by
// the SDK where there is none, or where S3 refuses it: only the SDK can
// then say whether credentials, the clock or the permissions are the reason.
func (d *driver) ranged(ctx context.Context, key, etag string, r source.Range) (answer, error) {
	input := d.getInput(key)
	u := d.signer.of(ctx, input)
	if u == nil {
		return d.rangedBySDK(ctx, input, key, etag, r)
	}
	a, refused, err := d.rangedByURL(ctx, u, key, etag, r)
	if !refused {
		return a, err
	}
	a, err = d.rangedBySDK(ctx, input, key, etag, r)
	if err == nil {
		d.signer.refused(*input.Key, u)
	}
	return a, err
}

func (d *driver) getInput(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: d.bucket(), Key: d.key(key)}
}

func (d *driver) rangedBySDK(ctx context.Context, input *s3.GetObjectInput, key, etag string, r source.Range) (answer, error) {
	input.IfMatch, input.Range = quoted(etag), aws.String(rangeHeader(r))
	out, err := d.client.GetObject(ctx, input)
	if isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		return answer{}, behindEnd(key, r).Because(err)
	}
	if err != nil {
		return answer{}, d.failed(ctx, "read", key, err)
	}
	a := answer{
		body: out.Body, etag: unquoted(out.ETag), contentRange: aws.ToString(out.ContentRange),
		length: aws.ToInt64(out.ContentLength),
	}
	return a.checked(key, etag, r)
}

// rangedByURL reports refused when S3 may have disliked the signature and not
// what was asked for.
func (d *driver) rangedByURL(ctx context.Context, u *signedURL, key, etag string, r source.Range) (a answer, refused bool, err error) {
	request := u.request.WithContext(ctx)
	request.Header = u.headers(etag, r)
	reply, err := d.signer.transport.RoundTrip(request)
	if err != nil {
		return answer{}, false, d.cutOff(ctx, key, err)
	}
	if reply.StatusCode != http.StatusOK && reply.StatusCode != http.StatusPartialContent {
		refused, err = d.declined(ctx, key, r, reply)
		return answer{}, refused, err
	}
	u.proven.Store(true)
	a = answer{
		body: reply.Body, etag: strings.Trim(header(reply, "Etag"), `"`), contentRange: header(reply, "Content-Range"),
		length: reply.ContentLength,
	}
	a, err = a.checked(key, etag, r)
	return a, false, err
}

// header is the first value of a header whose name is in canonical form.
func header(reply *http.Response, canonical string) string {
	if values := reply.Header[canonical]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// headers are those of one read, with all values in one array.
func (u *signedURL) headers(etag string, r source.Range) http.Header {
	header := make(http.Header, len(u.header)+2)
	for name, values := range u.header {
		header[name] = values
	}
	values := []string{rangeHeader(r), ""}
	header["Range"] = values[:1:1]
	if etag != "" {
		values[1] = `"` + etag + `"`
		header["If-Match"] = values[1:]
	}
	return header
}

func rangeHeader(r source.Range) string {
	var buffer [len("bytes=-") + 2*20]byte
	b := append(buffer[:0], "bytes="...)
	b = strconv.AppendInt(b, r.Offset, 10)
	b = append(b, '-')
	return string(strconv.AppendInt(b, r.End()-1, 10))
}

// maxErrorBytes bounds what is read of an answer that is an error.
const maxErrorBytes = 64 << 10

// declined gives an answer that is no object its kind.
func (d *driver) declined(ctx context.Context, key string, r source.Range, reply *http.Response) (refused bool, err error) {
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxErrorBytes))
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err()
	}
	var said struct {
		Code    string
		Message string
	}
	_ = xml.Unmarshal(text, &said) // not every server, and no proxy, answers in XML
	cause := fmt.Errorf("S3 answered %d %s (%s), request %s",
		reply.StatusCode, said.Code, said.Message, header(reply, "X-Amz-Request-Id"))
	if reply.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return false, behindEnd(key, r).Because(cause)
	}
	f := d.byAnswer("read", key, reply.StatusCode, said.Code)
	if f == nil {
		return reply.StatusCode == http.StatusBadRequest, cause
	}
	return f.Kind == fault.Denied, f.Because(cause)
}

// behindEnd is the fault of a range that begins where the object has ended.
// If-Match is looked at first, so it is the right object, and too short.
func behindEnd(key string, r source.Range) *fault.Error {
	return fault.New(fault.Invalid, "store-range",
		"%d bytes at offset %d of %q were asked for, which lie behind its end.", r.Length, r.Offset, key)
}

// checked closes the answer unless it is the range of the version.
func (a answer) checked(key, etag string, r source.Range) (answer, error) {
	err := a.check(key, etag, r)
	if err != nil {
		a.body.Close()
		return answer{}, err
	}
	return a, nil
}

func (a answer) check(key, etag string, r source.Range) error {
	if etag != "" && a.etag != etag {
		return objectstore.Changed(key)
	}
	first, total, ok := parseContentRange(a.contentRange)
	switch {
	case !ok && r.Offset == 0 && a.length == r.Length: // the whole object
	case !ok || first != r.Offset:
		return fault.New(fault.Internal, "store-failed",
			"The S3 server did not answer with the range of %q that it was asked for.", key)
	case r.End() > total:
		return objectstore.BeyondEnd(key, r, total)
	case a.length >= 0 && a.length != r.Length:
		return unreachable("read", key).Because(fmt.Errorf("%d bytes were announced of %d", a.length, r.Length))
	}
	return nil
}
