package access

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const (
	oldSecret = "old:0123456789012345678901234567890123456789"
	newSecret = "new:abcdefghijklmnopqrstuvwxyzabcdefghijklmn"
)

func keys(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := NewKeys(Config{GrantKeys: text})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGrantReadsBack(t *testing.T) {
	k := keys(t, oldSecret)
	for _, want := range []Caller{
		{Rights: Read, Expires: noon.Add(time.Hour)},
		{Rights: All, Slides: "upload-0e0d", Expires: noon.Add(time.Second)},
		{Rights: Read | Export, Slides: "upload-", Expires: noon.Add(24 * 365 * time.Hour)},
	} {
		text, err := k.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		got, reason := k.check(text, noon)
		if reason != "" || got.Rights != want.Rights || got.Slides != want.Slides || !got.Expires.Equal(want.Expires) {
			t.Errorf("%s reads as %+v (%s), want %+v", text, got, reason, want)
		}
		if _, reason := k.check(text, want.Expires); reason != "it has expired" {
			t.Errorf("at its end: %q, want that it has expired", reason)
		}
	}
}

// TestGrantIsKnownToOthers holds the form on which other programs rely.
func TestGrantIsKnownToOthers(t *testing.T) {
	text, err := keys(t, oldSecret).Sign(Caller{Rights: Read | Label, Slides: "upload-0e0d", Expires: time.Unix(1893456000, 0)})
	// printf 'pims-grant:1.old.1893456000.rl.upload-0e0d' | openssl dgst -sha256 -hmac SECRET -binary | basenc --base64url
	if want := "1.old.1893456000.rl.upload-0e0d.pgeCaTEYHPdZREr63VkvU6aCIW3W93YZUyUT1p7Gjgg"; err != nil || text != want {
		t.Errorf("the grant is %s (%v), want %s", text, err, want)
	}
}

func TestEveryChangeOfAGrantIsRefused(t *testing.T) {
	k := keys(t, oldSecret)
	text, err := k.Sign(Caller{Rights: Read, Slides: "upload-0e0d", Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(text) {
		for _, c := range []byte("01rlxwa.-_=\n Z") {
			if text[i] == c {
				continue
			}
			changed := text[:i] + string(c) + text[i+1:]
			if got, reason := k.check(changed, noon); reason == "" {
				t.Errorf("%q is accepted as %+v", changed, got)
			}
		}
		if _, reason := k.check(text[:i]+text[i+1:], noon); reason == "" {
			t.Errorf("without its character %d it is accepted", i)
		}
	}
	for _, other := range []string{"", ".", "1.....", text + "x", text + ".x", " " + text, strings.Repeat("1.", 1000)} {
		if _, reason := k.check(other, noon); reason == "" {
			t.Errorf("%q is accepted", other)
		}
	}
}

func TestSecretsAreChangedWithoutABreak(t *testing.T) {
	before, during, after := keys(t, oldSecret), keys(t, newSecret+","+oldSecret), keys(t, newSecret)
	c := Caller{Rights: Read, Expires: noon.Add(time.Hour)}
	old, _ := before.Sign(c)
	young, _ := during.Sign(c)
	for _, row := range []struct {
		name string
		keys *Keys
		text string
		ok   bool
	}{
		{"an old grant while both are in force", during, old, true},
		{"a new grant while both are in force", during, young, true},
		{"a new grant afterwards", after, young, true},
		{"an old grant afterwards", after, old, false},
		{"a new grant before", before, young, false},
		{"the old id with another secret", keys(t, "old:"+strings.Repeat("z", 40)), old, false},
	} {
		if _, reason := row.keys.check(row.text, noon); (reason == "") != row.ok {
			t.Errorf("%s: %q, want accepted %t", row.name, reason, row.ok)
		}
	}
}

func TestGrantsThatCannotBe(t *testing.T) {
	k := keys(t, oldSecret)
	for _, c := range []Caller{{Expires: noon}, {Rights: 64, Expires: noon}, {Rights: Read}, {Rights: Read, Slides: "Upload", Expires: noon},
		{Rights: Read, Slides: "../x", Expires: noon}, {Rights: Read, Slides: "a.b", Expires: noon}} {
		if text, err := k.Sign(c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v is signed as %s", c, text)
		}
	}
}

func TestCheckingAGrantAllocatesNothing(t *testing.T) {
	checker, err := newChecker(Config{Auth: "signed", GrantKeys: oldSecret}, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	text, _ := checker.keys.Sign(Caller{Rights: Read, Expires: noon.Add(time.Hour)})
	r := httptest.NewRequest("GET", "/x?v=1&grant="+text, nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := checker.Caller(r); err != nil {
			t.Fatal(err)
		}
	}); n > 3 { // none, but with the race detector a pool forgets a quarter of what it holds
		t.Errorf("%.1f allocations a check, want none", n)
	}
}

func BenchmarkGrant(b *testing.B) {
	k := keys(b, oldSecret)
	text, _ := k.Sign(Caller{Rights: Read, Slides: "upload-0e0d0000-0000-5000-8000-000000000000", Expires: noon.Add(time.Hour)})
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := k.check(text, noon); reason != "" {
			b.Fatal(reason)
		}
	}
}

func FuzzGrant(f *testing.F) {
	k := keys(f, oldSecret)
	good, _ := k.Sign(Caller{Rights: Read | Admin, Slides: "upload-0e0d", Expires: noon.Add(time.Hour)})
	f.Add(good)
	f.Add("1.old.1.r..")
	f.Fuzz(func(t *testing.T, text string) {
		if c, reason := k.check(text, noon); reason == "" {
			// Whatever is accepted was signed here: it is the one text of its grant.
			if again, err := k.Sign(c); err != nil || again != text {
				t.Errorf("%q is accepted, but the grant is %q", text, again)
			}
		}
	})
}
