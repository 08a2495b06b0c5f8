package formatstest

import (
	"context"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// Suite is what a format is tested with. All three lists should have entries.
type Suite struct {
	Format formats.Format
	// Accepts must be recognised, opened and pass every check.
	Accepts []File
	// Refused are files of other kinds, and near misses.
	Refused []File
	// Hostile are broken files: they may be refused or give errors.
	// Truncated and altered copies of the smaller Accepts are added by the suite.
	Hostile []File
}

// brokenLimit is the size up to which accepted files are broken on purpose:
// larger ones teach nothing more and cost a hundred copies.
const brokenLimit = 256 << 10

// Run proves that the format keeps its contract.
func Run(t *testing.T, s Suite) {
	t.Run("info", func(t *testing.T) { checkInfo(t, s.Format) })
	for _, file := range s.Accepts {
		t.Run("accepts "+file.Name, func(t *testing.T) { accepts(t, s.Format, file) })
	}
	for _, file := range s.Refused {
		t.Run("refuses "+file.Name, func(t *testing.T) { refuses(t, s.Format, file) })
	}
	t.Run("broken files give classified errors", func(t *testing.T) {
		hostile := append([]File(nil), s.Hostile...)
		for _, file := range s.Accepts {
			if len(file.Data) <= brokenLimit {
				hostile = append(hostile, Broken(file)...)
			}
		}
		for _, file := range hostile {
			Survives(t, s.Format, file)
		}
	})
}

func checkInfo(t *testing.T, format formats.Format) {
	info := format.Info()
	if info.ID == "" || info.ID != strings.ToUpper(info.ID) {
		t.Errorf("Info().ID is %q, expected capitals", info.ID)
	}
	if info.Name == "" || info.MediaType == "" || info.Plugin == "" {
		t.Errorf("Info() leaves Name, MediaType or Plugin empty: %+v", info)
	}
	if again := format.Info(); again != info {
		t.Errorf("Info() is %+v and then %+v", info, again)
	}
}

// candidate opens a bundle for probing.
func candidate(t testing.TB, bundle *Bundle) *formats.Candidate {
	t.Helper()
	c, err := formats.NewCandidate(context.Background(), bundle)
	if err != nil {
		t.Fatalf("NewCandidate: %v", err)
	}
	return c
}

func accepts(t *testing.T, format formats.Format, file File) {
	ctx := context.Background()
	bundle := NewBundle(file)
	match, err := format.Probe(ctx, candidate(t, bundle))
	if err != nil || !match.OK {
		t.Fatalf("Probe = %+v, %v; expected a match", match, err)
	}
	if match.Why == "" {
		t.Error("Probe does not say why it accepts")
	}
	bundle.Reset()
	image, err := format.Open(ctx, bundle)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	d, err := image.Describe(ctx)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	checkDescription(t, format, d)
	checkOwnership(t, image)
	if locator, ok := image.(formats.TileLocator); ok {
		checkLocator(t, bundle, locator, d)
	} else if regions, ok := image.(formats.RegionReader); ok {
		checkRegions(t, regions, d)
	} else {
		t.Error("the image is neither a TileLocator nor a RegionReader, so its pixels cannot be had")
	}
	checkAssociated(t, image)
	checkMetadata(t, image)
	if checker, ok := image.(formats.Checker); ok {
		if err := checker.Check(ctx); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	checkConcurrency(t, image)
	checkFailingReads(t, format, file, match)
	for _, complaint := range bundle.Faults() {
		t.Errorf("a read broke the contract of source.Reader: %s", complaint)
	}
}

// refuses also counts what a "no" costs: two reads beyond the header and the
// TIFF structure that all TIFF formats share.
func refuses(t *testing.T, format formats.Format, file File) {
	ctx := context.Background()
	bundle := NewBundle(file)
	c := candidate(t, bundle)
	if _, err := c.TIFF(ctx); err != nil && !formats.Structural(err) {
		t.Fatalf("TIFF: %v", err)
	}
	bundle.Reset()
	match, err := format.Probe(ctx, c)
	if err != nil || match.OK {
		t.Errorf("Probe = %+v, %v; expected a plain no", match, err)
	}
	if reads := bundle.Reads(); len(reads) > 2 {
		t.Errorf("saying no took %d reads, expected at most 2: %v", len(reads), reads)
	}
}

// checkFailingReads makes the nth read fail for every n: the answer must be
// the failure, or the same as ever when the read was not needed.
func checkFailingReads(t *testing.T, format formats.Format, file File, want formats.Match) {
	ctx := context.Background()
	const enough = 64
	for n := range enough {
		bundle := NewBundle(file)
		c := candidate(t, bundle)
		bundle.Reset()
		bundle.FailAt(n)
		match, err := format.Probe(ctx, c)
		switch {
		case err != nil && fault.KindOf(err) != fault.Busy:
			t.Errorf("read %d failed with kind busy, but Probe gave %v", n, err)
		case err == nil && match != want:
			t.Errorf("read %d failed, and Probe answered %+v; expected the failure", n, match)
		}
		if err == nil && len(bundle.Reads()) <= n {
			return
		}
	}
}
