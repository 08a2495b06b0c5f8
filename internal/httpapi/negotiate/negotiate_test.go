package negotiate

import (
	"net/http"
	"testing"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// The rows are the verified examples of pims-api §2.3, with "*/*" accepted.
func TestChoiceFollowsTheServersOrder(t *testing.T) {
	for _, row := range []struct {
		types       Types
		ext, accept string
		want        string // "" for 406
	}{
		{Visualisation(), "", "*", WebP},
		{Visualisation(), "", "image/*", WebP},
		{Visualisation(), "", "*/*", WebP},
		{Visualisation(), "", "image/jpeg;q=0.1,image/png", JPEG},
		{Visualisation(), "", "image/jpeg, */*", JPEG},
		{Visualisation(), "", "text/html,*/*", WebP},
		{Visualisation(), "", "image/JPG", JPG},
		{Visualisation(), "", "image/apng", APNG},
		{Visualisation(), "", "text/html", ""},
		{Visualisation(), "", "", ""},
		{Visualisation(), ".png", "image/jpeg", PNG},
		{Visualisation(), ".jpg", "", JPEG},
		{Visualisation(), ".webp", "", WebP},
		{Processing(), "", "*", PNG},
		// What browsers send: the cheap one wins.
		{Visualisation(), "", "image/avif,image/webp,image/apng,image/*,*/*;q=0.8", WebP},
		{Visualisation(), "", "image/avif", AVIF},
		{Processing(), ".avif", "", AVIF},
		{Processing().Only(func(m string) bool { return m != AVIF }), ".avif", "", ""},
		{Processing().Only(func(m string) bool { return m != AVIF }), "", "image/avif", ""},
		{Visualisation().Only(func(m string) bool { return m != WebP }), "", "image/*", JPG},
		{Visualisation().Only(func(m string) bool { return m != WebP }), ".webp", "", ""},
	} {
		header := http.Header{}
		if row.accept != "" {
			header.Set("Accept", row.accept)
		}
		got, _, err := row.types.Choose(row.ext, header)
		if row.want == "" {
			if err == nil || problem.Status(err) != http.StatusNotAcceptable {
				t.Errorf("ext %q, Accept %q: %q and %v, want a 406", row.ext, row.accept, got, err)
			}
			continue
		}
		if err != nil || got != row.want {
			t.Errorf("ext %q, Accept %q: %q and %v, want %q", row.ext, row.accept, got, err, row.want)
		}
	}
}
