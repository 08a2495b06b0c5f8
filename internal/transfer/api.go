package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/pims-cloud/pims/fault"
)

// The JSON of the service (POST /uploads and what follows).
type (
	beginning struct {
		Name     string `json:"name"`
		Size     int64  `json:"size"`
		Checksum string `json:"checksum"`
	}
	upload struct {
		ID        string `json:"id"`
		Size      int64  `json:"size"`
		PartSize  int64  `json:"partSize"`
		PartCount int    `json:"partCount"`
		Parts     []part `json:"parts"`
	}
	part struct {
		Number   int               `json:"number"`
		ETag     string            `json:"etag,omitempty"`
		Checksum string            `json:"checksum,omitempty"`
		URL      string            `json:"url,omitempty"`
		Headers  map[string]string `json:"headers,omitempty"`
	}
	partList struct {
		Parts []part `json:"parts"`
	}
)

// Report is the state of an import.
type Report struct {
	ID       string  `json:"id"`
	Path     string  `json:"path"`
	State    string  `json:"state"`
	Format   string  `json:"format"`
	Progress float64 `json:"progress"`
	Viewable bool    `json:"viewable"`
	Error    *struct {
		Detail string `json:"detail"`
	} `json:"error"`
}

// over reports whether there is nothing to wait for: the slide can be viewed, or
// never will. That it is viewable is known before it is registered; one that is
// converted can be viewed meanwhile.
func (r Report) over() bool {
	switch r.State {
	case "done", "unpacked", "failed":
		return true
	case "converting":
		return r.Viewable
	}
	return false
}

// maxUnknown is how often an import may be unknown before it is given up: the
// bucket's event comes some seconds after the upload.
const maxUnknown = 60

// Follow waits until a slide can be viewed, or its import has failed, and tells
// each report.
func (c *Client) Follow(ctx context.Context, id string, tell func(Report)) (Report, error) {
	unknown := 0
	for attempt := 0; ; attempt = min(attempt+1, 3) {
		var r Report
		err := c.call(ctx, http.MethodGet, "/imports/"+url.PathEscape(id), nil, &r)
		switch {
		case err == nil:
			tell(r)
			if r.over() {
				return r, nil
			}
		case fault.KindOf(err) == fault.NotFound && unknown < maxUnknown:
			unknown++
		default:
			return Report{}, err
		}
		if err := c.Pause(ctx, attempt); err != nil {
			return Report{}, err
		}
	}
}

const maxAnswerBytes = 16 << 20

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.Server+path, body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "upload-server", "%q is no address of a service: expected http://host:port.", c.Server).Because(err)
	}
	request.Header.Set("Accept", "application/json")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return request, nil
}

// call sends JSON, several times when the service is busy or can not be reached:
// all that is called may be repeated.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for attempt := 0; ; attempt++ {
		request, err := c.request(ctx, method, path, bytes.NewReader(text))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		err = c.do(request, out)
		if fault.KindOf(err) != fault.Busy || ctx.Err() != nil || attempt+1 >= attempts {
			return err
		}
		if err := c.Pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// do sends a request to the service; the error has the service's own sentence.
func (c *Client) do(request *http.Request, out any) error {
	reply, err := c.HTTP.Do(request)
	if err != nil {
		if cause := request.Context().Err(); cause != nil {
			return cause
		}
		return fault.New(fault.Busy, "upload-unreachable", "The service %s can not be reached.", c.Server).Because(err)
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswerBytes))
	if err != nil {
		return fault.New(fault.Busy, "upload-unreachable", "The service %s broke off its answer.", c.Server).Because(err)
	}
	if reply.StatusCode >= http.StatusMultipleChoices {
		return refusal(reply.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fault.New(fault.Internal, "upload-answer", "The answer of %s is not what is expected of this service.", c.Server).Because(err)
	}
	return nil
}

// refusal is an error answer. Busy is what another attempt may mend.
func refusal(status int, answer []byte) error {
	kind := fault.Invalid
	switch {
	case status == http.StatusNotFound:
		kind = fault.NotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = fault.Denied
	case status == http.StatusTooManyRequests || status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		kind = fault.Busy
	}
	var problem struct {
		Detail any    `json:"detail"`
		Error  string `json:"error"`
	}
	text := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(answer), []byte("[")), []byte("]")) // /upload answers with a list of one
	sentence := ""
	if json.Unmarshal(text, &problem) == nil {
		sentence, _ = problem.Detail.(string)
	}
	if sentence == "" {
		sentence = http.StatusText(status)
	}
	return fault.New(kind, "upload-refused", "The service answers %d: %s", status, sentence)
}

// withoutAddress takes the address out of an error: it is a secret.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
