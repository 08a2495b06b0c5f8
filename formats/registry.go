package formats

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// Registry is the set of formats of a process, in the order in which they are
// asked. It is immutable and safe for concurrent use.
type Registry struct {
	formats []Format
	byID    map[string]Format // by lower-case ID
}

// NewRegistry orders the formats: the lower resolution order first, ties by
// ID. Of two formats with one ID the one that is asked first is kept, so that a
// plugin with a negative order replaces a built-in format.
func NewRegistry(fs []Format, order ResolutionOrder) *Registry {
	sorted := slices.Clone(fs)
	slices.SortStableFunc(sorted, func(a, b Format) int {
		return cmp.Or(
			cmp.Compare(order.Of(a.Info()), order.Of(b.Info())),
			cmp.Compare(strings.ToUpper(a.Info().ID), strings.ToUpper(b.Info().ID)),
		)
	})
	r := &Registry{byID: make(map[string]Format, len(sorted))}
	for _, f := range sorted {
		key := strings.ToLower(f.Info().ID)
		if _, taken := r.byID[key]; taken {
			continue
		}
		r.byID[key] = f
		r.formats = append(r.formats, f)
	}
	return r
}

// Formats are all formats in the order in which they are asked. The slice
// belongs to the caller.
func (r *Registry) Formats() []Format { return slices.Clone(r.formats) }

// ByID finds a format; upper and lower case mean the same.
func (r *Registry) ByID(id string) (Format, bool) {
	f, ok := r.byID[strings.ToLower(id)]
	return f, ok
}

// Detect asks the formats one after the other and gives the first that
// accepts. The error's kind is Unsupported, code "no-matching-format", when
// nobody does; its sentence says what the file looks like and, for one that
// begins right and then contradicts itself, what is wrong with it. Any other
// error is that of a read that failed.
func (r *Registry) Detect(ctx context.Context, c *Candidate) (Format, Match, error) {
	var refusals []string
	for _, f := range r.formats {
		match, err := f.Probe(ctx, c)
		if err != nil {
			return nil, Match{}, err
		}
		if match.OK {
			return f, match, nil
		}
		if match.Why != "" {
			refusals = append(refusals, f.Info().ID+": "+match.Why)
		}
	}
	return nil, Match{}, r.nobody(ctx, c, refusals)
}

// nobody is the error for a file that no format accepted.
func (r *Registry) nobody(ctx context.Context, c *Candidate, refusals []string) error {
	looks := Looks(c)
	if lookOf(c.Header(), vendorSignatures()) != "" {
		return fault.New(fault.Unsupported, "no-matching-format", "the file looks like %s; such files are not read yet: %s", looks, wayOut)
	}
	if !looksLikeTIFF(c.Header()) {
		return fault.New(fault.Unsupported, "no-matching-format",
			"the file looks like %s; none of the %d formats of this server accepted it", looks, len(r.formats))
	}
	if err := wholeChain(ctx, c); err != nil {
		if !Structural(err) {
			return err
		}
		return fault.New(fault.Unsupported, "no-matching-format",
			"the file looks like %s, but its structure is broken, so no format accepted it: %s", looks, fault.Sentence(err)).Because(err)
	}
	if len(refusals) == 0 {
		refusals = []string{"it has no vendor's marks and is no image that this server knows"}
	}
	return fault.New(fault.Unsupported, "no-matching-format",
		"the file looks like %s; none of the %d formats of this server accepted it (%s): %s", looks, len(r.formats), strings.Join(refusals, "; "), wayOut)
}

// wayOut is what to do with a slide that is not read.
const wayOut = "export it as OME-TIFF or as a pyramidal TIFF in tiles, with the vendor's program or Bio-Formats, and import that"

// wholeChain reads all directories, so that a loop or a cut behind the first
// is named as the reason even if every format stopped before it.
func wholeChain(ctx context.Context, c *Candidate) error {
	file, err := c.TIFF(ctx)
	if err != nil {
		return err
	}
	_, err = file.IFDs(ctx)
	return err
}
