package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer/archive"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// Archive is what import.json tells of an archive. Fields are never renamed.
type Archive struct {
	Format  archive.Kind `json:"format"`
	Members []Member     `json:"members"` // in the order of the archive
}

// Member is one file of an archive. Its import has a report of its own.
type Member struct {
	Name   string   `json:"name"` // as the archive has it
	ID     slide.ID `json:"id,omitempty"`
	Upload *Upload  `json:"upload,omitempty"`
	// Error is why the file was not unpacked.
	Error *Reason `json:"error,omitempty"`
}

// maxArchiveDepth is how many archives may lie in one another: some contain
// themselves.
const maxArchiveDepth = 3

// unpackedFolder holds, below a slide's prefix, the members of an archive until
// they have been imported.
const unpackedFolder = "processed/extracted/"

// isUnpacked tells whether a key is that of an unpacked member. No other key of
// the slides store is ever imported from, and removed.
func isUnpacked(key string) bool {
	first, rest, _ := strings.Cut(key, "/")
	_, err := slide.ParseID(first)
	return err == nil && strings.HasPrefix(rest, unpackedFolder)
}

// errUnpacked ends the stages of an archive whose members have imports of
// their own.
var errUnpacked = errors.New("the archive is unpacked")

// archiveKind looks whether the file is an archive.
func (w *attempt) archiveKind(ctx context.Context, head []byte) (archive.Kind, error) {
	return archive.Detect(ctx, w.archiveFile(ctx), head)
}

func (w *attempt) archiveFile(ctx context.Context) archive.File {
	return archive.File{
		Name: w.claim.snapshot().Name, Size: w.upload.object.Size, ReaderAt: &readAhead{ctx: ctx, r: w.reader},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return w.upload.store.Reader(ctx, w.upload.object.Key, w.upload.object.ETag)
		},
	}
}

// unpack stores the members. With a single one the attempt goes on with it, as
// if that had been uploaded; otherwise the error is errUnpacked and the report
// lists what was found.
func (w *attempt) unpack(ctx context.Context, kind archive.Kind) error {
	w.failed = ErrorUnpacking
	if w.job.Depth++; w.job.Depth > maxArchiveDepth {
		return fault.New(fault.TooLarge, "archive-depth", "archives lie in one another more than %d deep", maxArchiveDepth)
	}
	w.tell(ctx, StartUnpacking)
	err := w.claim.commit(ctx, func(r *Report) { r.State, r.Format, r.Archive = StateUnpacking, string(kind), &Archive{Format: kind} })
	if err != nil {
		return err
	}
	members, err := w.storeMembers(ctx, kind)
	if err != nil {
		return err
	}
	var usable []Member
	for _, m := range members {
		if m.Error == nil {
			usable = append(usable, m)
		}
	}
	if len(usable) == 0 {
		why := "it is empty"
		if len(members) > 0 {
			why = fmt.Sprintf("of its %d files none can be used; the first one, %q, because %s", len(members), members[0].Name, members[0].Error.Detail)
		}
		return fault.New(fault.Unsupported, "archive-nothing", "the archive holds no file to import: %s", why)
	}
	w.tell(ctx, EndUnpacking)
	if len(members) == 1 {
		return w.continueWith(ctx, usable[0])
	}
	if err := w.claim.commit(ctx, func(r *Report) {
		r.Progress, r.State, r.Archive.Members = 1, StateUnpacked, members
		r.Why = fmt.Sprintf("a %s archive of %d files, of which %d are imported", kind, len(members), len(usable))
	}); err != nil {
		return err
	}
	if err := w.dropInner(ctx, w.upload); err != nil {
		return err
	}
	return errUnpacked
}

// dropInner removes an archive that lay alone in another one, once it is
// unpacked itself.
func (w *attempt) dropInner(ctx context.Context, at found) error {
	if at.store != w.im.deps.Slides || !strings.HasPrefix(at.object.Key, w.job.ID.Prefix()) {
		return nil
	}
	return w.im.deps.Slides.Delete(ctx, at.object.Key)
}

// storeMembers unpacks beside the report.
func (w *attempt) storeMembers(ctx context.Context, kind archive.Kind) ([]Member, error) {
	limits := archive.DefaultLimits()
	limits.Bytes = int64(w.im.config.ArchiveGiB) << 30
	var members []Member
	err := archive.Walk(ctx, w.archiveFile(ctx), kind, limits, func(m archive.Member) error {
		out := Member{Name: m.Name}
		err := m.Refused
		if err == nil {
			out.Upload, err = w.storeMember(ctx, len(members), m)
		}
		switch fault.KindOf(err) {
		case fault.Corrupt, fault.Denied, fault.Unsupported, fault.Invalid:
			if err != nil {
				out.Error, out.Upload = reasonOf(err), nil
			}
		default:
			if err != nil {
				return err
			}
		}
		if out.Upload != nil {
			out.ID = slide.DeriveID(out.Upload.Bucket, out.Upload.Key, out.Upload.ETag)
		}
		members = append(members, out)
		return w.progress(ctx, 0.05)
	})
	if fault.KindOf(err) == fault.Corrupt && err != nil && len(members) > 0 {
		// What lies behind the damage is lost, what came before it is not.
		members = append(members, Member{Name: "(the rest of the archive)", Error: reasonOf(err)})
		err = nil
	}
	return members, err
}

// storeMember streams one file into the slides store.
func (w *attempt) storeMember(ctx context.Context, number int, m archive.Member) (*Upload, error) {
	key := fmt.Sprintf("%s%s%d/%s", w.job.ID.Prefix(), unpackedFolder, number, CleanName(m.Base()))
	body := &remembering{r: m.Body}
	o, err := w.im.deps.Slides.Put(ctx, key, body, -1, objectstore.PutOptions{})
	if body.err != nil { // which says more than that the body broke off
		return nil, body.err
	}
	if err != nil {
		return nil, err
	}
	return &Upload{Bucket: BucketUnpacked, Key: o.Key, ETag: o.ETag, Size: o.Size}, nil
}

// remembering keeps the error that a body ended with.
type remembering struct {
	r   io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// continueWith makes a single member the upload.
func (w *attempt) continueWith(ctx context.Context, m Member) error {
	at, err := w.im.findUpload(ctx, *m.Upload)
	if err != nil {
		return err
	}
	name := archive.Member{Name: m.Name}.Base()
	// It lies in the slides store already: beside its sidecar is one step away.
	key := w.job.ID.SourceKey(CleanName(name))
	o, err := w.im.deps.Slides.Copy(ctx, at.store, at.object, key, objectstore.PutOptions{})
	if err != nil {
		return err
	}
	if err := w.im.deps.Slides.Delete(ctx, at.object.Key); err != nil {
		return err
	}
	src := slide.SourceObject{In: slide.InSlides, Key: o.Key, Size: o.Size, ETag: o.ETag}
	if err := w.claim.commit(ctx, func(r *Report) {
		r.State, r.Name, r.Path, r.Source, r.InPlace, r.SourceBytes = StateProbing, name, key, &src, false, o.Size
	}); err != nil {
		return err
	}
	inner := w.upload
	w.job.Name, w.job.InPlace = name, false
	w.upload = found{store: w.im.deps.Slides, object: o}
	w.reader = &counted{Reader: w.im.deps.Slides.Source(o)}
	w.bundle = source.Single(CleanName(name), w.reader)
	w.failed = ErrorNoFormat
	if inner.object.Key == key {
		return nil
	}
	return w.dropInner(ctx, inner)
}

// importMembers sends the members of an archive to their imports, and takes the
// archive away. It may be called again: what was imported is not again.
func (im *Importer) importMembers(ctx context.Context, job Job, r *Report) (*Report, error) {
	for _, m := range r.Archive.Members {
		if m.Upload == nil {
			continue
		}
		name := archive.Member{Name: m.Name}.Base()
		child := Job{ID: m.ID, Upload: *m.Upload, Name: name, Properties: job.Properties, Depth: job.Depth + 1}
		im.deps.Events.Notify(ctx, Event{Name: RegisterFile, Report: *im.newReport(child, im.deps.Clock.Now())})
		if err := im.importMember(ctx, child); err != nil {
			return nil, err
		}
	}
	if !r.InPlace && r.Upload.Bucket != BucketFile {
		if at, err := im.findUpload(ctx, r.Upload); err == nil {
			if err := at.store.Delete(ctx, at.object.Key); err != nil {
				im.deps.Log.Warn("import: the archive could not be removed after it was unpacked",
					"slide", string(r.ID), "key", r.Upload.Key, "error", err.Error())
			}
		}
	}
	return r, nil
}

// importMember queues or runs one import; its own failure is in its own report
// and no error here.
func (im *Importer) importMember(ctx context.Context, child Job) error {
	if im.deps.Imports != nil {
		known, _, err := im.stored(ctx, child.ID)
		if err != nil || known != nil && known.State.Final() {
			return err
		}
		_, err = im.Enqueue(ctx, im.deps.Imports, child)
		return err
	}
	r, err := im.Import(ctx, child)
	if r != nil && r.State.Final() || fault.CodeOf(err) == codeUploadMissing {
		return nil
	}
	return err
}

// readAhead makes an io.ReaderAt of a Reader: the members of a ZIP are read
// from front to back in small pieces. It is not safe for concurrent use.
type readAhead struct {
	ctx    context.Context // of the attempt that it belongs to
	r      source.Reader
	at     int64
	window []byte
}

const readAheadBytes = 1 << 20

// ReadAt implements io.ReaderAt.
func (a *readAhead) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= a.r.Size() {
			return n, io.EOF
		}
		if at < a.at || at >= a.at+int64(len(a.window)) {
			length := min(readAheadBytes, a.r.Size()-at)
			got, err := a.r.ReadRanges(a.ctx, []source.Range{{Offset: at, Length: length}})
			if err != nil {
				return n, err
			}
			a.at, a.window = at, got[0]
		}
		n += copy(p[n:], a.window[at-a.at:])
	}
	return n, nil
}
