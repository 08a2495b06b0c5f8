package lambdaadapter

import (
	"context"
	"log/slog"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// Uploads is the store that events tell about; *objectstore.Store is one.
type Uploads interface {
	URL() string
	Stat(ctx context.Context, key string) (objectstore.Object, error)
}

// Reports knows the imports that there were; *importer.Importer is one.
type Reports interface {
	Report(ctx context.Context, id slide.ID) (*importer.Report, error)
}

// Events turns storage events into import jobs, for a function or for a worker
// on the same queue. It is safe for concurrent use.
type Events struct {
	uploads Uploads
	reports Reports
	at      objectstore.Location
	log     *slog.Logger
}

// NewEvents makes the translation for one uploads store, whose URL says which
// bucket's events are taken: those of elsewhere in the bucket are ignored.
// log may be nil.
func NewEvents(uploads Uploads, reports Reports, log *slog.Logger) (*Events, error) {
	at, err := objectstore.ParseURL(uploads.URL())
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Events{uploads: uploads, reports: reports, at: at, log: log}, nil
}

// Jobs gives what a message asks to be imported: none for test events,
// deletions, folder markers and objects of our own; each job once. Kind Invalid
// when the message is of no known shape or tells of another bucket; other kinds
// when the store could not be asked.
func (e *Events) Jobs(ctx context.Context, body []byte) ([]importer.Job, error) {
	found, err := arrivals(body, 0)
	if err != nil {
		return nil, err
	}
	var out []importer.Job
	seen := make(map[slide.ID]bool, len(found))
	for _, a := range found {
		job, ok, err := e.job(ctx, a)
		if err != nil {
			return nil, err
		}
		if ok && !seen[job.ID] {
			seen[job.ID] = true
			out = append(out, job)
		}
	}
	return out, nil
}

// job is what to do about an arrival; ok is false when it is none of ours.
func (e *Events) job(ctx context.Context, a arrival) (job importer.Job, ok bool, err error) {
	if a.job != nil {
		return *a.job, true, nil
	}
	if e.at.Scheme != objectstore.SchemeS3 || a.bucket != e.at.Bucket {
		return job, false, fault.New(fault.Invalid, "event-elsewhere",
			"the event is of bucket %q, but uploads lie in %s; check UPLOADS_URL and the bucket's notifications", a.bucket, e.at)
	}
	var keys []string
	for _, name := range a.names() {
		if key, inside := strings.CutPrefix(name, e.at.Prefix); inside && wanted(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		e.log.DebugContext(ctx, "event ignored", "bucket", a.bucket, "key", a.key)
		return job, false, nil
	}
	upload := importer.Upload{Bucket: e.uploads.URL(), Key: keys[0], ETag: a.etag, Size: a.size}
	if len(keys) > 1 || a.etag == "" {
		if upload, ok, err = e.settle(ctx, upload, keys); err != nil || !ok {
			return job, false, err
		}
	}
	return importer.NewJob(upload, "", false), true, nil
}

// settle looks which of several keys is meant, and what its version is.
func (e *Events) settle(ctx context.Context, u importer.Upload, keys []string) (_ importer.Upload, ok bool, err error) {
	for _, key := range keys {
		o, err := e.uploads.Stat(ctx, key)
		switch kind := fault.KindOf(err); {
		case err == nil && (u.ETag == "" || u.ETag == o.ETag):
			u.Key, u.ETag, u.Size = key, o.ETag, o.Size
			return u, true, nil
		case err != nil && kind != fault.NotFound && kind != fault.Invalid:
			return u, false, err
		}
	}
	if u.ETag == "" {
		return u, false, nil // gone, and nothing to ask for its import by
	}
	// A finished import has removed its upload: a duplicate event must find the
	// import under the key that it was made with.
	for _, key := range keys {
		_, err := e.reports.Report(ctx, slide.DeriveID(u.Bucket, key, u.ETag))
		if err == nil {
			u.Key = key
			return u, true, nil
		}
		if fault.KindOf(err) != fault.NotFound {
			return u, false, err
		}
	}
	return u, true, nil
}
