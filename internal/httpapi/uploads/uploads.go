// Package uploads takes files in, tells how their imports go, lists slides and
// deletes them.
//
// An upload is streamed to the uploads store as "<random>/<clean name>" and its
// import is queued; the answer has the shape of PIMS' (pims-api §3.13). Where the
// store signs addresses, clients send files to it in parts themselves: begin,
// addresses, complete. Nothing is kept between these requests (see ticket).
package uploads

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/slide"
)

// Importer is what this API needs of *importer.Importer.
type Importer interface {
	Enqueue(ctx context.Context, q queue.Queue, job importer.Job) (*importer.Report, error)
	Expect(ctx context.Context, job importer.Job) (*importer.Report, error)
	Import(ctx context.Context, job importer.Job) (*importer.Report, error)
	Report(ctx context.Context, id slide.ID) (*importer.Report, error)
	Subscribe(id slide.ID) (reports <-chan importer.Report, stop func())
	Delete(ctx context.Context, id slide.ID) error
	Recount(ctx context.Context, id slide.ID, how importer.Recount) (*importer.Report, error)
	EnqueueRecount(ctx context.Context, q queue.Queue, id slide.ID, how importer.Recount) error
}

// Deps is what the API works with. Importer, Uploads and Queue are nil where
// nothing can be imported.
type Deps struct {
	Importer Importer
	Uploads  *objectstore.Store
	Queue    queue.Queue
	Catalog  *slide.Catalog
	MaxBytes int64 // of one file, or one request to /upload
	MaxBody  int64 // of JSON
	// Events tells that the uploads bucket sends events for which something else
	// imports what clients put there.
	Events bool
	// Poll is how often import.json is read for an import that another process
	// works on.
	Poll time.Duration
}

// API answers upload and import requests. It is safe for concurrent use.
type API struct {
	Deps
	origin func() string
}

// New makes the API.
func New(deps Deps) *API {
	a := &API{Deps: deps}
	a.origin = sync.OnceValue(a.findOrigin)
	return a
}

// Routes are the upload, import and list routes.
func (a *API) Routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Pattern: "/upload", Handle: a.upload},
		{Method: http.MethodGet, Pattern: "/uploads", Handle: a.offered},
		{Method: http.MethodPost, Pattern: "/uploads", Handle: a.begin},
		{Method: http.MethodGet, Pattern: "/uploads/{id}", Handle: a.parts},
		{Method: http.MethodDelete, Pattern: "/uploads/{id}", Handle: a.abort},
		{Method: http.MethodPost, Pattern: "/uploads/{id}/parts", Handle: a.addresses},
		{Method: http.MethodPost, Pattern: "/uploads/{id}/complete", Handle: a.complete},
		{Method: http.MethodPost, Pattern: "/import", Handle: a.datasets},
		{Method: http.MethodGet, Pattern: "/imports/{id}/events", Handle: a.events},
		{Method: http.MethodGet, Pattern: "/imports/{id}", Handle: a.report},
		{Method: http.MethodGet, Pattern: "/slides", Handle: a.list},
		{Method: http.MethodDelete, Pattern: "/image/{p...}", Handle: a.remove},
		{Method: http.MethodDelete, Pattern: "/file/{p...}", Handle: a.removeFile},
	}
}

// uploadedFile is the import in the words of Cytomine's uploaded files.
type uploadedFile struct {
	ID               slide.ID `json:"id"`
	Path             string   `json:"path"`
	Filename         string   `json:"filename"`
	OriginalFilename string   `json:"originalFilename"`
	Size             int64    `json:"size"`
	State            string   `json:"state"`
	Format           string   `json:"format,omitempty"`
	Created          string   `json:"created"`
	// Properties are the keys and values of the request.
	Properties []importer.Property `json:"properties,omitempty"`
}

func uploadedFileOf(r *importer.Report) uploadedFile {
	return uploadedFile{
		ID: r.ID, Path: r.Path, Filename: r.Path, OriginalFilename: r.Name, Size: r.SourceBytes,
		State: string(r.State), Format: r.Format, Created: r.CreatedAt.UTC().Format(time.RFC3339),
		Properties: r.Properties,
	}
}

type uploadAnswer struct {
	Status       int          `json:"status"`
	Name         string       `json:"name"`
	Size         string       `json:"size"`
	UploadedFile uploadedFile `json:"uploadedFile"`
	Images       []image      `json:"images"`
}

type image struct {
	Image struct {
		ID       slide.ID `json:"id"`
		Path     string   `json:"path"`
		Width    int      `json:"width"`
		Height   int      `json:"height"`
		Original string   `json:"originalFilename"`
	} `json:"image"`
	Instances []struct{} `json:"imageInstances"`
}

// upload takes one or many file parts, in the order of the body.
func (a *API) upload(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	if a.Importer == nil || a.Uploads == nil || a.Queue == nil {
		return fault.New(fault.Unsupported, "uploads-not-offered", "This process takes no uploads; put files into the uploads store.")
	}
	wanted, err := wantedOf(r)
	if err != nil {
		return err
	}
	parts, err := multipartOf(w, r, a.MaxBytes)
	if err != nil {
		return problem.UploadFailed(err)
	}
	answers := []uploadAnswer{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return problem.UploadFailed(broken(err))
		}
		if part.FileName() == "" {
			continue // a form field; what is not read is skipped by NextPart
		}
		answer, err := a.take(r.Context(), part, wanted)
		if err != nil {
			return problem.UploadFailed(err)
		}
		answers = append(answers, answer)
	}
	if len(answers) == 0 {
		return problem.UploadFailed(problem.BadRequest("no-file", "The form has no file part; send the file as a part with a filename."))
	}
	return reply.JSON(w, r, answers)
}

// multipartOf reads the body as a stream of parts; the parser takes the closing
// boundary off the last file.
func multipartOf(w http.ResponseWriter, r *http.Request, limit int64) (*multipart.Reader, error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return nil, problem.BadRequest("not-multipart",
			"The body has Content-Type %q; a multipart/form-data body with a boundary is expected.", r.Header.Get("Content-Type"))
	}
	return multipart.NewReader(http.MaxBytesReader(w, r.Body, limit), params["boundary"]), nil
}

// broken classifies an error of the body: the client's, unless it is a limit.
func broken(err error) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return err
	}
	return problem.BadRequest("upload-broken-off", "The body ends before its last part does.").Because(err)
}

// take stores one file and queues its import.
func (a *API) take(ctx context.Context, part *multipart.Part, wanted wanted) (uploadAnswer, error) {
	name := part.FileName()
	clean := importer.CleanName(name)
	folder, err := randomName()
	if err != nil {
		return uploadAnswer{}, err
	}
	body := &bodyReader{from: part}
	object, err := a.Uploads.Put(ctx, folder+"/"+clean, body, -1, objectstore.PutOptions{
		ContentType: "application/octet-stream", OnlyIfAbsent: true,
	})
	if body.err != nil {
		return uploadAnswer{}, broken(body.err)
	}
	if err != nil {
		return uploadAnswer{}, err
	}
	job := importer.NewJob(importer.Upload{
		Bucket: a.Uploads.URL(), Key: object.Key, ETag: object.ETag, Size: object.Size,
	}, name, false)
	job.Properties = wanted.properties
	report, err := a.Importer.Enqueue(ctx, a.Queue, job)
	if err != nil {
		return uploadAnswer{}, err
	}
	if wanted.sync {
		if report, err = a.await(ctx, job.ID); err != nil {
			return uploadAnswer{}, err
		}
	}
	answer := uploadAnswer{
		Status: http.StatusOK, Name: clean, Size: strconv.FormatInt(object.Size, 10),
		UploadedFile: uploadedFileOf(report), Images: []image{},
	}
	answer.UploadedFile.Size = object.Size
	if report.State == importer.StateDone {
		answer.Images = append(answer.Images, imageOf(report))
	}
	return answer, nil
}

func imageOf(r *importer.Report) image {
	var out image
	out.Image.ID, out.Image.Path, out.Image.Original = r.ID, r.Path, r.Name
	out.Image.Width, out.Image.Height = r.Width, r.Height
	out.Instances = []struct{}{}
	return out
}

// await waits for the end of an import, whoever works on it.
func (a *API) await(ctx context.Context, id slide.ID) (*importer.Report, error) {
	var last *importer.Report
	err := a.follow(ctx, id, func(r *importer.Report) error { last = r; return nil })
	if err != nil {
		return nil, err
	}
	return last, last.Err()
}

// bodyReader remembers an error of the request's body, so that it is not taken
// for one of the store.
type bodyReader struct {
	from io.Reader
	err  error
}

// Read reads from the part.
func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func randomName() (string, error) {
	var b [12]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fault.New(fault.Internal, "random", "The system gave no random bytes.").Because(err)
	}
	return hex.EncodeToString(b[:]), nil
}
