package importer

import (
	"context"
	"path"
	"sync/atomic"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

const (
	codeUploadMissing   = "upload-missing"
	codeUploadReplaced  = "upload-replaced"
	codeUploadElsewhere = "upload-elsewhere"
)

// found is an upload that is there in the version that the job names.
type found struct {
	store  *objectstore.Store
	object objectstore.Object
}

// findUpload looks at the upload without reading it. Kind NotFound, code
// upload-missing, when it is gone; kind Changed, code upload-replaced, when
// another version lies there, which has an import of its own.
func (im *Importer) findUpload(ctx context.Context, u Upload) (found, error) {
	store, key, err := im.place(u)
	if err != nil {
		return found{}, err
	}
	o, err := store.Stat(ctx, key)
	if fault.KindOf(err) == fault.NotFound {
		return found{}, fault.New(fault.NotFound, codeUploadMissing,
			"the upload %s is no longer there; upload it again", path.Base(u.Key)).Because(err)
	}
	if err != nil {
		return found{}, err
	}
	if o.ETag != u.ETag {
		return found{}, fault.New(fault.Changed, codeUploadReplaced,
			"the upload %s was replaced after this import was asked for (version %s, now %s); the newer version is imported by itself",
			path.Base(u.Key), u.ETag, o.ETag)
	}
	return found{store: store, object: o}, nil
}

// place says in which store an upload lies, and under which key.
func (im *Importer) place(u Upload) (*objectstore.Store, string, error) {
	switch {
	case u.Bucket == BucketFile && im.deps.Files != nil:
		return im.deps.Files(u.Key)
	case im.deps.Uploads != nil && u.Bucket == im.deps.Uploads.URL():
		return im.deps.Uploads, u.Key, nil
	case u.Bucket == BucketUnpacked && isUnpacked(u.Key):
		return im.deps.Slides, u.Key, nil
	}
	return nil, "", fault.New(fault.Unsupported, codeUploadElsewhere,
		"the upload lies in %q, which this process does not import from; check UPLOADS_URL", u.Bucket)
}

// removeUpload takes away an upload that was copied beside its sidecar. It
// never fails the import: what stays is removed by the next event of it.
func (im *Importer) removeUpload(ctx context.Context, r *Report) {
	if r.InPlace || r.Upload.Bucket == BucketFile || r.Source == nil || r.Source.In != slide.InSlides {
		return
	}
	at, err := im.findUpload(ctx, r.Upload)
	if err != nil {
		return // gone already, or another version that is not ours to remove
	}
	if err := at.store.Delete(ctx, at.object.Key); err != nil {
		im.deps.Log.Warn("import: the upload could not be removed after it was imported",
			"slide", string(r.ID), "key", r.Upload.Key, "error", err.Error())
	}
}

// counted is a Reader that counts what is read through it. It is safe for
// concurrent use.
type counted struct {
	source.Reader
	reads, bytes atomic.Int64
}

// ReadRanges counts what is asked for, before merging below makes fewer and
// longer requests of it.
func (c *counted) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	c.reads.Add(int64(len(ranges)))
	for _, r := range ranges {
		c.bytes.Add(r.Length)
	}
	return c.Reader.ReadRanges(objectstore.ReadingStructure(ctx), ranges)
}
