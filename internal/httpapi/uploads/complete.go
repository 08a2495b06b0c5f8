package uploads

import (
	"context"
	"crypto/md5" // what S3 makes ETags of; no protection is meant
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// complete makes the parts a file and asks for its import. It may be repeated:
// a client whose answer was lost gets it again.
func (a *API) complete(w http.ResponseWriter, r *http.Request, v route.Vars) error {
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
	parts, err := a.allParts(r.Context(), t, wanted.Parts)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	var object objectstore.Object
	if err == nil {
		object, err = a.Uploads.CompleteUpload(r.Context(), t.upload(), parts)
	}
	if fault.KindOf(err) == fault.NotFound {
		object, err = a.completed(r.Context(), t, parts, err)
	}
	if err != nil {
		return err
	}
	file, err := a.imported(r.Context(), t, object)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, file)
}

// allParts are the parts that the client names, or, when it names none, those
// that are there. All of them must be there, each once and of its size.
func (a *API) allParts(ctx context.Context, t ticket, named []wantedPart) ([]objectstore.DirectPart, error) {
	parts := make([]objectstore.DirectPart, 0, t.count())
	if len(named) == 0 {
		there, err := a.Uploads.UploadedParts(ctx, t.upload())
		if err != nil {
			return nil, notUnderWay(err)
		}
		for _, p := range there {
			if p.Number <= t.count() && p.Size == t.sizeOf(p.Number) {
				parts = append(parts, p)
			}
		}
	}
	for _, p := range named {
		if err := t.check(p); err != nil {
			return nil, err
		}
		if p.ETag == "" {
			return nil, problem.BadRequest("upload-parts", "Part %d has no ETag: the one that the store answered with is expected.", p.Number)
		}
		parts = append(parts, objectstore.DirectPart{
			Number: p.Number, Size: t.sizeOf(p.Number), ETag: strings.Trim(p.ETag, `"`), CRC32C: p.Checksum,
		})
	}
	for i := range t.count() {
		if i >= len(parts) || parts[i].Number != i+1 {
			return nil, problem.BadRequest("upload-incomplete",
				"Part %d is missing: %d parts in order are expected.", i+1, t.count())
		}
	}
	if len(parts) > t.count() {
		return nil, problem.BadRequest("upload-parts", "There are %d parts: %d are expected.", len(parts), t.count())
	}
	return parts, nil
}

// completed finds the object of an upload that is not under way any more,
// because an earlier request completed it: in the uploads store or, when it has
// been imported and moved by now, by its import.
func (a *API) completed(ctx context.Context, t ticket, parts []objectstore.DirectPart, gone error) (objectstore.Object, error) {
	object, err := a.Uploads.Stat(ctx, t.key())
	if err == nil && object.Size == t.Size {
		return object, nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return objectstore.Object{}, err
	}
	object = objectstore.Object{Key: t.key(), ETag: etagOf(parts), Size: t.Size}
	if a.Importer != nil && object.ETag != "" {
		if _, err := a.Importer.Report(ctx, a.idOf(object)); err == nil {
			return object, nil
		}
	}
	return objectstore.Object{}, notUnderWay(gone)
}

// etagOf is the ETag that S3 gives an object of these parts, unless it is
// encrypted with a key of KMS: the MD5 of the parts' MD5s, and their number.
func etagOf(parts []objectstore.DirectPart) string {
	all := md5.New()
	for _, p := range parts {
		sum, err := hex.DecodeString(p.ETag)
		if err != nil || len(sum) != md5.Size {
			return ""
		}
		_, _ = all.Write(sum) // a hash takes everything
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%x-%d", all.Sum(nil), len(parts))
}

func (a *API) idOf(o objectstore.Object) slide.ID {
	return slide.DeriveID(a.Uploads.URL(), o.Key, o.ETag)
}

// imported asks for the import of an upload that is complete, unless the bucket's
// own event does; both name the same slide, so that it may come twice.
func (a *API) imported(ctx context.Context, t ticket, o objectstore.Object) (uploadedFile, error) {
	job := importer.NewJob(importer.Upload{Bucket: a.Uploads.URL(), Key: o.Key, ETag: o.ETag, Size: t.Size}, t.Name, false)
	var report *importer.Report
	var err error
	switch {
	case a.Importer == nil:
	case a.Events || a.Queue == nil:
		// The report is a courtesy: without it, the event's import writes one.
		report, _ = a.Importer.Expect(ctx, job)
	default:
		report, err = a.Importer.Enqueue(ctx, a.Queue, job)
	}
	if err != nil {
		return uploadedFile{}, err
	}
	if report == nil {
		report = &importer.Report{
			ID: job.ID, Path: string(job.ID) + "/" + importer.CleanName(t.Name), Name: t.Name,
			State: importer.StateQueued, CreatedAt: time.Now(),
		}
	}
	file := uploadedFileOf(report)
	file.Size = t.Size
	return file, nil
}
