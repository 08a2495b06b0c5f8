package access

import (
	"context"
	"strings"
	"time"
)

// Rights are what a caller may do, as a set.
type Rights uint8

// The rights. None contains another.
const (
	// Read is to see slides: tiles, pictures, measurements, metadata.
	Read Rights = 1 << iota
	// Label is to see the pictures on which a patient's name may stand: the label,
	// and the macro image that shows it.
	Label
	// Export is to download the file as it was uploaded, with everything in it.
	Export
	// Write is to upload and import slides, and to compute what is stored of them.
	Write
	// Admin is to delete slides, and to see counters and profiles of the service.
	Admin
)

// All is every right.
const All = Read | Label | Export | Write | Admin

// rightNames are in the order of the letters of a grant.
var rightNames = []struct {
	right  Rights
	letter byte
	name   string
}{
	{Read, 'r', "read"}, {Label, 'l', "label"}, {Export, 'x', "export"}, {Write, 'w', "write"}, {Admin, 'a', "admin"},
}

// Has reports whether all of want is in the set.
func (r Rights) Has(want Rights) bool { return r&want == want }

// String is the names with commas between, as ParseRights reads them.
func (r Rights) String() string { return strings.Join(r.Names(), ",") }

// Names are those of the set, in a fixed order.
func (r Rights) Names() []string {
	names := []string{}
	for _, n := range rightNames {
		if r.Has(n.right) {
			names = append(names, n.name)
		}
	}
	return names
}

// letters is the set as it stands in a grant.
func (r Rights) letters() string {
	var out []byte
	for _, n := range rightNames {
		if r.Has(n.right) {
			out = append(out, n.letter)
		}
	}
	return string(out)
}

// rightsOfLetters is the reverse of letters; ok is false for other spellings.
func rightsOfLetters(text string) (r Rights, ok bool) {
	for _, n := range rightNames {
		if text != "" && text[0] == n.letter {
			r |= n.right
			text = text[1:]
		}
	}
	return r, text == "" && r != 0
}

// rightNamed is the right of a name; ok is false when there is none.
func rightNamed(name string) (Rights, bool) {
	for _, n := range rightNames {
		if n.name == name {
			return n.right, true
		}
	}
	return 0, false
}

// ParseRights reads names with commas between, such as "read,label".
func ParseRights(text string) (Rights, error) {
	var out Rights
	for name := range strings.SplitSeq(text, ",") {
		right, ok := rightNamed(strings.TrimSpace(name))
		if !ok {
			return 0, invalid("%q is no right: expected read, label, export, write or admin, with commas between", name)
		}
		out |= right
	}
	return out, nil
}

// Caller is who sends a request. The zero value may do nothing.
type Caller struct {
	Rights Rights
	// Slides is the start of the ids of the slides that the rights hold for;
	// empty for all.
	Slides string
	// Expires is when the credential ends.
	Expires time.Time
	// ByCookie tells that a browser sent the credential by itself, whatever page
	// made the request.
	ByCookie bool
}

// Anyone is the caller where access is not restricted.
var anyone = Caller{Rights: All}

// May reports whether the caller has all of these rights.
func (c Caller) May(want Rights) bool { return c.Rights.Has(want) }

// Covers reports whether the rights hold for a slide.
func (c Caller) Covers(id string) bool { return strings.HasPrefix(id, c.Slides) }

// CoversAll reports whether the rights hold for every slide, those to come
// included.
func (c Caller) CoversAll() bool { return c.Slides == "" }

type callerKey struct{}

// With gives a context that knows who calls.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of is who calls; where nobody has said so, access is not restricted.
func Of(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return anyone
}
