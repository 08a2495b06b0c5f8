package importer

import (
	"context"
	"io"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// view is a converted file that tiles are read from.
type view struct {
	object slide.SourceObject
	file   *cog.File
	reader source.Reader
}

// viewFrom makes the attempt see the levels and tiles of a stored COG.
func (w *attempt) viewFrom(ctx context.Context, o slide.SourceObject) error {
	reader := w.im.deps.Slides.Source(objectstore.Object{Key: o.Key, Size: o.Size, ETag: o.ETag})
	file, err := cog.Open(ctx, structure{reader}, w.desc.Planes())
	if err != nil {
		return err
	}
	w.kept, w.keptBytes = nil, 0
	w.view = &view{object: o, file: file, reader: reader}
	d := *w.desc
	d.Levels = file.Levels()
	w.desc, w.encs = &d, file.Encodings()
	w.note(func(r *Report) { r.Levels, r.Tiles = len(d.Levels), tilesOf(&d) })
	return checkDescription(w.desc, w.encs)
}

// viewConverted is viewFrom for a slide that was converted before.
func (w *attempt) viewConverted(ctx context.Context, c *Conversion) error {
	if c == nil || c.State != ConversionDone || c.Result == nil {
		return nil
	}
	return w.viewFrom(ctx, *c.Result)
}

// structure is a Reader whose reads are of headers and directories.
type structure struct{ source.Reader }

func (s structure) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	return s.Reader.ReadRanges(objectstore.ReadingStructure(ctx), ranges)
}

// Shares of the conversion's progress: preparing, writing, switching over.
const (
	preparedProgress = 0.7
	writtenProgress  = 0.95
)

// makeCOG converts the image and stores the result.
func (w *attempt) makeCOG(ctx context.Context) (*slide.SourceObject, error) {
	plan, err := w.planCOG(ctx)
	if err != nil {
		return nil, err
	}
	x, err := plan.Prepare(ctx)
	if err != nil {
		return nil, w.stale(ctx, err)
	}
	defer func() { _ = x.Close() }() // a temporary file without a name
	object, err := w.storeCOG(ctx, x)
	if err != nil {
		return nil, w.stale(ctx, err)
	}
	result := &slide.SourceObject{In: slide.InSlides, Key: object.Key, Size: object.Size, ETag: object.ETag}
	return result, w.claim.commit(ctx, func(r *Report) {
		v := r.Conversion
		v.Result, v.BytesOut, v.Codec, v.PixelsIdentical = result, object.Size, x.Compression, yesNo(x.PixelsIdentical)
		v.BytesIn, v.Progress = w.reader.bytes.Load(), writtenProgress
	})
}

// planCOG decides the way and notes it.
func (w *attempt) planCOG(ctx context.Context) (*cog.Plan, error) {
	s := cog.Source{Description: w.desc, Encodings: w.encs, Region: w.region, Download: w.download}
	if image, ok := w.image.(formats.ColorProfile); ok {
		profile, err := image.ICCProfile(ctx)
		if err != nil {
			if err := w.tolerate(err, "the colour profile cannot be read"); err != nil {
				return nil, err
			}
		}
		s.ICCProfile = profile
	}
	if w.locator != nil {
		s.Locate = func(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error) {
			return w.locate(ctx, level, planeAt(w.desc, plane), first, count)
		}
		s.Read = w.readPixels
	}
	plan, err := cog.NewPlan(s, cog.Options{
		Compression: cog.Compression(w.im.config.ConvertCompression), Quality: w.im.config.ConvertQuality,
		TileSide: w.im.config.ConvertTile, Software: w.im.deps.Creator,
		Progress: func(done float64) {
			// Progress that cannot be stored is no reason to stop: the claim's
			// heartbeat decides about that.
			_ = w.claim.change(ctx, func(r *Report) { r.Conversion.Progress = preparedProgress * done })
		},
	})
	if err != nil {
		return nil, err
	}
	if err := w.fits(plan); err != nil {
		return nil, err
	}
	return plan, w.claim.commit(ctx, func(r *Report) {
		r.Conversion.Way, r.Conversion.WayWhy = plan.Way, plan.Why
		r.Conversion.Levels, r.Conversion.LevelsMade = plan.Levels(), plan.MadeLevels()
	})
}

// fits leaves a conversion to another worker that would outlast this process.
func (w *attempt) fits(plan *cog.Plan) error {
	longest, takes := w.im.config.ConvertLongest, estimate(w.desc, plan.Way)
	if longest == 0 || takes <= longest {
		return nil
	}
	kind, remedy := fault.Busy, "another worker of the convert queue takes it"
	if w.im.deps.Convert == nil && w.im.deps.Larger == nil {
		kind, remedy = fault.TooLarge, "set QUEUE_CONVERT_URL, run pims worker --queues convert, and import the slide again"
	}
	return fault.New(kind, codeTooLong, "the conversion may take %s, this process begins those of up to %s (CONVERT_LONGEST); %s", takes, longest, remedy)
}

// readPixels reads tiles for a conversion. Unlike structure they are read once
// and kept by no cache.
func (w *attempt) readPixels(ctx context.Context, extents []formats.Extent) ([][]byte, error) {
	ranges := make([]source.Range, len(extents))
	for i, e := range extents {
		ranges[i] = source.Range{Offset: e.Offset, Length: e.Length}
		w.reader.bytes.Add(e.Length)
	}
	w.reader.reads.Add(int64(len(ranges)))
	return w.reader.Reader.ReadRanges(ctx, ranges)
}

// download copies the whole upload.
func (w *attempt) download(ctx context.Context, to io.Writer) error {
	from, err := w.upload.store.Reader(ctx, w.upload.object.Key, w.upload.object.ETag)
	if err != nil {
		return err
	}
	defer from.Close()
	n, err := io.Copy(to, from)
	w.reader.bytes.Add(n)
	w.reader.reads.Add(1)
	return err
}

// errCOGEnded stops the writing of a COG that the store takes no more of.
var errCOGEnded = fault.New(fault.Internal, "cog-ended", "the converted file is no longer being stored")

// storeCOG streams the file into the store, on the condition that nobody else
// stores one meanwhile: of two workers one fails and finds the other's work.
func (w *attempt) storeCOG(ctx context.Context, x *cog.Prepared) (objectstore.Object, error) {
	key := w.job.ID.VisualisationKey()
	options := objectstore.PutOptions{ContentType: "image/tiff", OnlyIfAbsent: true}
	old, err := w.im.deps.Slides.Stat(ctx, key)
	switch {
	case err == nil: // of an attempt that died before it could say so
		options.OnlyIfAbsent, options.OnlyIfETag = false, old.ETag
	case fault.KindOf(err) != fault.NotFound:
		return objectstore.Object{}, err
	}
	r, out := io.Pipe()
	written := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		err := x.Write(ctx, &counting{to: out, total: x.Size(), w: w, ctx: ctx})
		out.CloseWithError(err)
		written <- err
	}()
	object, err := w.im.deps.Slides.Put(ctx, key, r, x.Size(), options)
	r.CloseWithError(errCOGEnded)
	cancel()
	// A store may say of a body that broke off only that it did.
	if wrote := <-written; wrote != nil && fault.CodeOf(wrote) != errCOGEnded.Code && err != nil && fault.KindOf(wrote) != fault.Canceled {
		return object, wrote
	}
	return object, err
}

// counting tells the progress of writing.
type counting struct {
	to          io.Writer
	done, total int64
	told        int64
	w           *attempt
	ctx         context.Context // of the write that it is a part of
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.done += int64(n)
	if c.done-c.told > c.total/100 {
		c.told = c.done
		share := preparedProgress + (writtenProgress-preparedProgress)*float64(c.done)/float64(c.total)
		_ = c.w.claim.change(c.ctx, func(r *Report) { r.Conversion.Progress = share })
	}
	return n, err
}
