package uploads

import (
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

func TestPartsKeepToTheBoundsOfS3(t *testing.T) {
	for _, row := range []struct {
		size, part int64
		count      int
	}{
		{1, 8 << 20, 1},
		{8 << 20, 8 << 20, 1},
		{8<<20 + 1, 8 << 20, 2},
		{80_000 << 20, 8 << 20, 10_000},
		{80_000<<20 + 1, 9 << 20, 8889},
		{objectstore.MaxObjectBytes, 525 << 20, 9987},
	} {
		u := ticket{Size: row.size, PartSize: partBytes(row.size)}
		if u.PartSize != row.part || u.count() != row.count {
			t.Errorf("%d bytes: %d parts of %d, want %d of %d", row.size, u.count(), u.PartSize, row.count, row.part)
		}
		var sum int64
		for n := 1; n <= u.count(); n++ {
			sum += u.sizeOf(n)
		}
		if sum != row.size {
			t.Errorf("%d bytes: the parts have %d", row.size, sum)
		}
	}
}

func TestTicketReadsBack(t *testing.T) {
	want := ticket{
		Folder: strings.Repeat("0a", 12), Name: "../ä \x00 \" b.svs", Store: "x.y_z-", Size: 9 << 20, PartSize: 8 << 20, Checked: true,
	}
	got, err := ticketOf(want.id(), 1<<40)
	if err != nil || got != want {
		t.Errorf("read back as %+v (%v), want %+v", got, err, want)
	}
	if _, err := ticketOf(want.id(), 9<<20-1); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a ticket over the limit: %v, want NotFound", err)
	}
}

// FuzzTicket: whatever an id says, its key lies in a folder of its own in the
// uploads store, and its parts are within S3's bounds.
func FuzzTicket(f *testing.F) {
	good := ticket{Folder: strings.Repeat("0a", 12), Name: "a.svs", Store: "x", Size: 9 << 20, PartSize: 8 << 20}
	f.Add(good.id())
	good.Name = "../../b"
	f.Add(good.id())
	good.Folder = "../" + good.Folder
	f.Add(good.id())
	f.Add("nothing")
	f.Fuzz(func(t *testing.T, id string) {
		u, err := ticketOf(id, objectstore.MaxObjectBytes)
		if err != nil {
			if fault.KindOf(err) != fault.NotFound {
				t.Errorf("%q: %v, want NotFound", id, err)
			}
			return
		}
		if err := objectstore.CheckKey(u.key()); err != nil || strings.Count(u.key(), "/") != 1 || len(u.Folder) != 24 {
			t.Errorf("%q has the key %q: %v", id, u.key(), err)
		}
		if n := u.count(); n < 1 || n > objectstore.MaxUploadParts || u.sizeOf(n) < 1 || u.sizeOf(1) > u.Size {
			t.Errorf("%q has %d parts, the last of %d bytes", id, n, u.sizeOf(n))
		}
	})
}
