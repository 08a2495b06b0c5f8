package uploads

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/objectstore"
)

const (
	// addressLife is for how long an address of a part holds; a client asks for
	// new ones as often as it likes. Credentials that end before end it, too.
	addressLife = time.Hour
	// maxAddresses bounds how many addresses one answer has: about 1 KiB each.
	maxAddresses = 1000
	// checksumCRC32C is the one way in which parts can be checked.
	checksumCRC32C = "CRC32C"
)

// offer tells clients which way to send files.
type offer struct {
	// Direct tells that POST /uploads gives addresses; otherwise files are sent
	// to /upload.
	Direct   bool  `json:"direct"`
	MaxBytes int64 `json:"maxBytes"` // of one file
	// Checksums are the values that POST /uploads takes for "checksum".
	Checksums []string `json:"checksums"`
}

// directUpload describes an upload in parts.
type directUpload struct {
	ID        string     `json:"id"`
	Key       string     `json:"key"`
	Name      string     `json:"name"`
	Size      int64      `json:"size"`
	PartSize  int64      `json:"partSize"`
	PartCount int        `json:"partCount"`
	Checksum  string     `json:"checksum,omitempty"`
	Parts     []partView `json:"parts"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"` // of the addresses
}

// partView is one part: where to send it, or that it is there.
type partView struct {
	Number   int               `json:"number"`
	Size     int64             `json:"size"`
	ETag     string            `json:"etag,omitempty"`
	Checksum string            `json:"checksum,omitempty"`
	URL      string            `json:"url,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"` // to be sent with the part
}

// wantedPart is a part in the body of a request.
type wantedPart struct {
	Number   int    `json:"number"`
	ETag     string `json:"etag"`
	Checksum string `json:"checksum"`
}

func (t ticket) view() directUpload {
	out := directUpload{
		ID: t.id(), Key: t.key(), Name: t.Name, Size: t.Size, PartSize: t.PartSize, PartCount: t.count(), Parts: []partView{},
	}
	if t.Checked {
		out.Checksum = checksumCRC32C
	}
	return out
}

func (a *API) maxFileBytes() int64 { return min(a.MaxBytes, objectstore.MaxObjectBytes) }

// offered answers which way files are to be sent.
func (a *API) offered(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	out := offer{MaxBytes: a.MaxBytes, Checksums: []string{}}
	if a.Uploads != nil && a.Uploads.CanUploadDirect() {
		out = offer{Direct: true, MaxBytes: a.maxFileBytes(), Checksums: []string{checksumCRC32C}}
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, out)
}

// begin begins an upload in parts and, when parts are not checked, gives the
// first addresses: they are good for any bytes of the right length.
func (a *API) begin(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	if err := a.direct(); err != nil {
		return err
	}
	var wanted struct {
		Name     string `json:"name"`
		Size     int64  `json:"size"`
		Checksum string `json:"checksum"`
	}
	if err := a.body(w, r, &wanted); err != nil {
		return err
	}
	var bad problem.Validation
	switch {
	case wanted.Name == "":
		bad.Add(problem.Missing(nil, "body", "name"))
	case len(wanted.Name) > maxNameBytes:
		bad.Add(problem.AtMost(len(wanted.Name), maxNameBytes, "body", "name"))
	}
	switch {
	case wanted.Size < 1:
		bad.Add(problem.AtLeast(wanted.Size, 1, "body", "size"))
	case wanted.Size > a.maxFileBytes():
		bad.Add(problem.AtMost(wanted.Size, a.maxFileBytes(), "body", "size"))
	}
	if wanted.Checksum != "" && wanted.Checksum != checksumCRC32C {
		bad.Add(problem.Enum(wanted.Checksum, []string{checksumCRC32C}, "body", "checksum"))
	}
	if err := bad.Err(); err != nil {
		return err
	}
	folder, err := randomName()
	if err != nil {
		return err
	}
	t := ticket{Folder: folder, Name: wanted.Name, Size: wanted.Size, PartSize: partBytes(wanted.Size), Checked: wanted.Checksum != ""}
	upload, err := a.Uploads.BeginUpload(r.Context(), t.key(), t.Checked)
	if err != nil {
		return err
	}
	t.Store = upload.ID
	out := t.view()
	if !t.Checked {
		parts := make([]wantedPart, min(t.count(), maxAddresses))
		for i := range parts {
			parts[i].Number = i + 1
		}
		if err := a.sign(r.Context(), t, parts, &out); err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSONStatus(w, r, http.StatusCreated, out)
}

// addresses gives addresses of the parts that the body names.
func (a *API) addresses(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	t, err := a.ticket(v)
	if err != nil {
		return err
	}
	var wanted struct {
		Parts []wantedPart `json:"parts"`
	}
	if err := a.body(w, r, &wanted); err != nil {
		return err
	}
	if n := len(wanted.Parts); n < 1 || n > maxAddresses {
		return problem.BadRequest("upload-parts", "Addresses of %d parts were asked for; 1 to %d are given at once.", n, maxAddresses)
	}
	out := t.view()
	if err := a.sign(r.Context(), t, wanted.Parts, &out); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, out)
}

// sign adds addresses to a view.
func (a *API) sign(ctx context.Context, t ticket, parts []wantedPart, out *directUpload) error {
	expires := time.Now().Add(addressLife).UTC().Truncate(time.Second)
	for _, wanted := range parts {
		if err := t.check(wanted); err != nil {
			return err
		}
		part := objectstore.DirectPart{Number: wanted.Number, Size: t.sizeOf(wanted.Number), CRC32C: wanted.Checksum}
		address, err := a.Uploads.PresignPart(ctx, t.upload(), part, addressLife)
		if err != nil {
			return err
		}
		out.Parts = append(out.Parts, partView{
			Number: part.Number, Size: part.Size, Checksum: part.CRC32C, URL: address.URL, Headers: address.Header,
		})
	}
	out.ExpiresAt = &expires
	return nil
}

// check holds a part of a request against the upload.
func (t ticket) check(p wantedPart) error {
	if p.Number < 1 || p.Number > t.count() {
		return problem.BadRequest("upload-parts", "The upload has no part %d: its parts are 1 to %d.", p.Number, t.count())
	}
	sum, err := base64.StdEncoding.DecodeString(p.Checksum)
	switch {
	case t.Checked && (err != nil || len(sum) != 4):
		return problem.BadRequest("upload-checksum",
			"Part %d has the checksum %.20q: expected the part's CRC-32C, four bytes big-endian, in base64.", p.Number, p.Checksum)
	case !t.Checked && p.Checksum != "":
		return problem.BadRequest("upload-checksum",
			"Part %d has a checksum, but the upload was begun without; begin it with \"checksum\": %q.", p.Number, checksumCRC32C)
	}
	return nil
}

// parts tells which parts are there, so that a client can go on.
func (a *API) parts(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	t, err := a.ticket(v)
	if err != nil {
		return err
	}
	there, err := a.Uploads.UploadedParts(r.Context(), t.upload())
	if err != nil {
		return notUnderWay(err)
	}
	out := t.view()
	for _, p := range there {
		if p.Number <= t.count() && p.Size == t.sizeOf(p.Number) {
			out.Parts = append(out.Parts, partView{Number: p.Number, Size: p.Size, ETag: p.ETag, Checksum: p.CRC32C})
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, out)
}

// abort gives an upload up.
func (a *API) abort(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	t, err := a.ticket(v)
	if err != nil {
		return err
	}
	if err := a.Uploads.AbortUpload(r.Context(), t.upload()); err != nil {
		return notUnderWay(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// notUnderWay does not tell a client what the store calls things.
func notUnderWay(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.New(fault.NotFound, "upload-not-found",
		"This upload is not under way: it was completed, aborted, or removed after some days.").Because(err)
}

func (a *API) ticket(v route.Vars) (ticket, error) {
	if err := a.direct(); err != nil {
		return ticket{}, err
	}
	return ticketOf(v.Get("id"), a.maxFileBytes())
}

// direct tells why there are no uploads in parts, if there are none.
func (a *API) direct() error {
	if a.Uploads == nil || !a.Uploads.CanUploadDirect() {
		return fault.New(fault.Unsupported, "direct-uploads-not-offered",
			"The uploads store takes no parts from clients, as an S3 bucket does; send the file to /upload.")
	}
	return nil
}

// body reads a JSON body of bounded size into out; no body at all is an empty
// object.
func (a *API) body(w http.ResponseWriter, r *http.Request, out any) error {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, a.MaxBody)).Decode(out)
	var tooLong *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &tooLong):
		return err
	default:
		return problem.BadRequest("body-not-json", "The body is not a JSON object with the members that are expected.").Because(err)
	}
}

// Origin is where a page sends parts to, for its content security policy; ""
// when it sends everything to this service.
func (a *API) Origin(context.Context) string { return a.origin() }

// findOrigin signs an address that nobody uses, which asks nobody.
func (a *API) findOrigin() string {
	if a.direct() != nil {
		return ""
	}
	address, err := a.Uploads.PresignPart(context.Background(), objectstore.DirectUpload{Key: "origin", ID: "origin"},
		objectstore.DirectPart{Number: 1, Size: 1}, addressLife)
	if err != nil {
		return ""
	}
	u, err := url.Parse(address.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
