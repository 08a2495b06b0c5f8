package importer

import (
	"context"
	"path"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer/archive"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// probe finds the upload and asks the formats whose it is.
func probe(ctx context.Context, w *attempt) error {
	w.failed = FileNotFound
	at, err := w.im.findUpload(ctx, w.job.Upload)
	if err != nil {
		return err
	}
	w.upload = at
	w.reader = &counted{Reader: at.store.Source(at.object)}
	w.bundle = source.Single(path.Base(at.object.Key), w.reader)
	w.note(func(r *Report) { r.SourceBytes = at.object.Size })

	w.failed = ErrorNoFormat
	w.tell(ctx, StartFormatDetection)
	if at.object.Size == 0 {
		return fault.New(fault.Unsupported, "no-matching-format", "the file is empty")
	}
	format, match, err := w.detect(ctx)
	if err != nil {
		return w.stale(ctx, err)
	}
	info := format.Info()
	if !info.Importable {
		return fault.New(fault.Unsupported, "format-not-importable", "files of format %s (%s) are not imported", info.ID, info.Name)
	}
	w.format = format
	w.note(func(r *Report) { r.Format, r.Why = info.ID, match.Why })
	w.tell(ctx, EndFormatDetection)
	return nil
}

// detect asks the formats. Archives come after all of them (pims-api §6.6); one
// that holds a single file is that file from here on.
func (w *attempt) detect(ctx context.Context) (formats.Format, formats.Match, error) {
	for {
		candidate, err := formats.NewCandidate(ctx, w.bundle)
		if err != nil {
			return nil, formats.Match{}, err
		}
		format, match, err := w.im.deps.Registry.Detect(ctx, candidate)
		if fault.CodeOf(err) != "no-matching-format" {
			return format, match, err
		}
		kind, archiveErr := w.archiveKind(ctx, candidate.Header())
		if archiveErr != nil || kind == archive.None {
			return nil, formats.Match{}, joinFirst(archiveErr, err)
		}
		if err := w.unpack(ctx, kind); err != nil {
			return nil, formats.Match{}, err
		}
	}
}

// sourceObject is the upload where it lies, for slides registered in place.
func (w *attempt) sourceObject() slide.SourceObject {
	o := slide.SourceObject{In: slide.InUploads, Key: w.upload.object.Key, Size: w.upload.object.Size, ETag: w.upload.object.ETag}
	if w.job.Upload.Bucket == BucketFile {
		o.In, o.Key = slide.InFile, w.job.Upload.Key
	}
	return o
}
