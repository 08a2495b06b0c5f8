package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// register makes the slide viewable: everything that the sidecar names first,
// the sidecar last.
func register(ctx context.Context, w *attempt) error {
	w.failed = FileNotMoved
	w.tell(ctx, StartDataExtraction)
	src, err := w.bringSource(ctx)
	if err != nil {
		return w.stale(ctx, err)
	}
	w.tell(ctx, EndDataExtraction)
	if err := w.progress(ctx, 0.6); err != nil {
		return err
	}
	if w.decided.convert {
		w.note(func(r *Report) { r.Conversion = &Conversion{State: ConversionQueued, Why: w.decided.why} })
	}
	if w.decided.convert && !w.decided.viewable {
		w.note(func(r *Report) { r.State, r.Why = StateConverting, w.decided.why })
		return nil
	}
	return w.deploy(ctx, src)
}

// deploy writes all that is derived from the source, the sidecar last.
func (w *attempt) deploy(ctx context.Context, src slide.SourceObject) (err error) {
	w.failed = GenericFileError
	w.tell(ctx, StartSpatialDeploy)
	m := slide.Manifest{
		Creator: w.im.deps.Creator, CreatedAt: w.im.deps.Clock.Now().UTC(),
		Name: path.Base(w.claim.snapshot().Path), OriginalName: w.job.Name,
		Sources: []slide.SourceObject{src}, Description: *w.desc, Encodings: w.encs,
	}
	if w.view != nil {
		m.Sources, m.Originals, m.Spatial = []slide.SourceObject{w.view.object}, []slide.SourceObject{src}, spatialFormat(w.desc)
	}
	if m.Associated, err = w.storeAssociated(ctx); err != nil {
		return w.stale(ctx, err)
	}
	if err := w.storeMetadata(ctx); err != nil {
		return w.stale(ctx, err)
	}
	if err := w.storeAnnotations(ctx); err != nil {
		return w.stale(ctx, err)
	}
	if err := w.progress(ctx, 0.75); err != nil {
		return err
	}
	if m.Bounds, err = w.storeHistogram(ctx); err != nil {
		return w.stale(ctx, err)
	}
	if err := w.progress(ctx, 0.85); err != nil {
		return err
	}
	if err := w.storeSidecar(ctx, &m); err != nil {
		return w.stale(ctx, err)
	}
	w.tell(ctx, EndSpatialDeploy)
	return nil
}

// bringSource puts the upload's bytes beside the sidecar, or leaves them where
// they are. What an interrupted attempt has copied is not copied again.
func (w *attempt) bringSource(ctx context.Context) (slide.SourceObject, error) {
	if w.job.InPlace {
		src := w.sourceObject()
		w.note(func(r *Report) { r.Source = &src })
		return src, nil
	}
	slides := w.im.deps.Slides
	before := w.claim.snapshot()
	key := before.Path
	if s := before.Source; s != nil && s.In == slide.InSlides && s.Key == key && s.Size == w.upload.object.Size {
		if there, err := slides.Stat(ctx, key); err == nil && there.ETag == s.ETag {
			return *s, nil
		}
	}
	copied, err := slides.Copy(ctx, w.upload.store, w.upload.object, key, objectstore.PutOptions{
		MayShare: w.job.Upload.Bucket != BucketFile, // removeUpload takes it away
	})
	if err != nil {
		return slide.SourceObject{}, err
	}
	if copied.Size != w.upload.object.Size {
		return slide.SourceObject{}, fault.New(fault.Internal, "copy-incomplete",
			"the copy of the upload has %d bytes, the upload %d", copied.Size, w.upload.object.Size)
	}
	src := slide.SourceObject{In: slide.InSlides, Key: key, Size: copied.Size, ETag: copied.ETag}
	if err := w.claim.commit(ctx, func(r *Report) { r.Source = &src }); err != nil {
		return slide.SourceObject{}, err
	}
	w.tell(ctx, MovedPendingFile)
	return src, nil
}

// storeSidecar writes manifest and index, on the condition that nobody did
// meanwhile: a worker whose claim was taken over must not undo the other's work.
func (w *attempt) storeSidecar(ctx context.Context, m *slide.Manifest) error {
	options := objectstore.PutOptions{OnlyIfAbsent: true}
	old, err := w.im.deps.Slides.Stat(ctx, w.job.ID.SidecarKey())
	switch {
	case err == nil: // of an attempt that died between sidecar and report
		options.OnlyIfAbsent, options.OnlyIfETag = false, old.ETag
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	// The claim is renewed first: whoever still holds it may write.
	if err := w.claim.commit(ctx, func(r *Report) { r.Progress = 0.9 }); err != nil {
		return err
	}
	written, err := w.im.writeSidecar(ctx, m, w.job.ID, w.tiles, options)
	if fault.KindOf(err) == fault.Changed && fault.CodeOf(err) == objectstore.Changed("").Code {
		if now, statErr := w.im.deps.Slides.Stat(ctx, w.job.ID.SidecarKey()); statErr == nil && now.ETag != options.OnlyIfETag {
			return errLost
		}
	}
	w.note(func(r *Report) { r.SidecarBytes = written.Size })
	return err
}

// tiles is the index's slide.TileSource.
func (w *attempt) tiles(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error) {
	return w.locate(ctx, level, planeAt(w.desc, plane), first, count)
}

// bufferedIndexBytes is up to which size an index is built in memory, where a
// failed write can be tried again. A larger one is streamed.
const bufferedIndexBytes = 8 << 20

// errWriteEnded stops the building of an index that the store takes no more of.
var errWriteEnded = errors.New("the sidecar is no longer being written")

// writeSidecar stores manifest and index.
func (im *Importer) writeSidecar(ctx context.Context, m *slide.Manifest, id slide.ID, tiles slide.TileSource, options objectstore.PutOptions) (objectstore.Object, error) {
	const entryBytes = 12
	options.ContentType = "application/octet-stream"
	if tilesOf(&m.Description)*entryBytes <= bufferedIndexBytes {
		sidecar, err := slide.Build(ctx, m, tiles)
		if err != nil {
			return objectstore.Object{}, err
		}
		return im.deps.Slides.Put(ctx, id.SidecarKey(), bytes.NewReader(sidecar), int64(len(sidecar)), options)
	}
	r, out := io.Pipe()
	built := make(chan error, 1)
	go func() {
		err := slide.Encode(ctx, out, m, tiles)
		out.CloseWithError(err)
		built <- err
	}()
	object, err := im.deps.Slides.Put(ctx, id.SidecarKey(), r, -1, options)
	r.CloseWithError(errWriteEnded)
	// A store may say of an index that could not be built only that its body
	// broke off.
	if buildErr := <-built; buildErr != nil && !errors.Is(buildErr, errWriteEnded) {
		return object, buildErr
	}
	return object, err
}

// put writes one object of the slide.
func (w *attempt) put(ctx context.Context, key, mediaType string, b []byte) error {
	_, err := w.im.deps.Slides.Put(ctx, key, bytes.NewReader(b), int64(len(b)), objectstore.PutOptions{ContentType: mediaType})
	return err
}
