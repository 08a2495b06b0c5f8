package importer_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
)

// processes are worlds over the same two stores, each with the decorators and
// the cold caches of a process of its own. uploads records what is really read.
type processes struct {
	slides  objectstore.Driver
	uploads *recording.Driver
}

func (p processes) start(t *testing.T) *world {
	t.Helper()
	stack := []objectstore.Driver{p.slides, p.uploads} // in the order in which newWorld opens them
	return always(t, func(*testing.T) objectstore.Driver {
		d := stack[0]
		stack = stack[1:]
		return objectstore.Blocks(objectstore.Coalesce(d, 0), 8<<20)
	})
}

// ranges are the reads of the uploads store since the last call, in the order
// of their places.
func (p processes) ranges() []source.Range {
	var out []source.Range
	for _, r := range p.uploads.Reads() {
		out = append(out, source.Range{Offset: r.Offset, Length: r.Length})
	}
	p.uploads.Reset()
	slices.SortFunc(out, func(a, b source.Range) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length))
	})
	return out
}

// TestRegisterAndCopyReadNothingTwice names every request that registering and
// copying a natively tiled slide make, on a process of its own each.
func TestRegisterAndCopyReadNothingTwice(t *testing.T) {
	p := processes{slides: memory.New(), uploads: recording.Wrap(memory.New())}
	q, err := local.Open(t.TempDir(), local.Config{})
	must(t, err)
	defer q.Close()
	first := p.start(t)
	first.convert = q
	job := first.upload(testfiles.Own(t, ours))
	job.InPlace = true
	p.ranges()
	_, err = first.importer().Import(background, job)
	must(t, err)
	const kib64 = 64 << 10
	// The directories are at the beginning and at the end. What lies between
	// is thumbnail, label and macro, and the tiles of the sample and of the
	// histogram, which a slide as small as this has in every block.
	want := []source.Range{
		{Offset: 0, Length: kib64}, {Offset: kib64, Length: 6 * kib64}, {Offset: 7 * kib64, Length: 2 * kib64},
		{Offset: 9 * kib64, Length: job.Upload.Size - 9*kib64},
	}
	if diff := gocmp.Diff(want, p.ranges()); diff != "" {
		t.Errorf("registering reads (-want +got):\n%s", diff)
	}

	second := p.start(t)
	want = append(second.tileRuns(job), source.Range{Offset: 0, Length: kib64 / 2}, source.Range{Offset: 9 * kib64, Length: job.Upload.Size - 9*kib64})
	p.ranges()
	_, err = second.importer().Convert(background, job)
	must(t, err)
	got := p.ranges()
	slices.SortFunc(want, func(a, b source.Range) int { return cmp.Compare(a.Offset, b.Offset) })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("copying reads (-want +got):\n%s", diff)
	}
}

// tileRuns are the tiles of all levels, neighbours of one level as one.
func (w *world) tileRuns(job importer.Job) []source.Range {
	w.t.Helper()
	s, err := w.catalog.Open(background, job.ID)
	must(w.t, err)
	var out []source.Range
	for level, l := range s.Manifest().Description.Levels {
		for n := range l.Tiles() {
			e, err := s.Locate(background, level, formats.Plane{}, n)
			must(w.t, err)
			if last := len(out) - 1; n > 0 && out[last].End() == e.Offset {
				out[last].Length += e.Length
				continue
			}
			out = append(out, source.Range{Offset: e.Offset, Length: e.Length})
		}
	}
	return out
}
