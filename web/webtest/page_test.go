package webtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/web"
)

func requirePage(t *testing.T) {
	t.Helper()
	if !web.Built() {
		t.Skip("the web page is not built (make web builds it)")
	}
}

// slideFile is a real SVS where there is one, else the project's own.
func slideFile(t *testing.T) string {
	t.Helper()
	real := filepath.Join(testfiles.Root(t), "..", "shared", "testdata")
	if folder := os.Getenv("SHARED_TESTDATA"); folder != "" {
		real = folder
	}
	if _, err := os.Stat(real); err == nil {
		return testfiles.Shared(t, "svs/CMU-1-Small-Region.svs")
	}
	return testfiles.Own(t, "svs/rgb-240.svs")
}

// pick gives files to the page as the file dialog does.
func (p *page) pick(files ...string) {
	p.t.Helper()
	p.run("choosing files", chromedp.SetUploadFiles("input[type=file]", files, chromedp.ByQuery))
}

// drop gives a file to the page as dragging it onto the window does.
func (p *page) drop(file string) {
	p.t.Helper()
	p.run("preparing a drag", chromedp.Evaluate(`{
		const input = document.createElement("input");
		input.type = "file"; input.id = "dragged"; document.body.append(input); null }`, nil),
		chromedp.SetUploadFiles("#dragged", []string{file}, chromedp.ByID))
	shown := value[bool](p, `(() => {
		window.dragged = new DataTransfer();
		window.dragged.items.add(document.getElementById("dragged").files[0]);
		document.getElementById("dragged").remove();
		document.body.dispatchEvent(new DragEvent("dragenter", {dataTransfer: window.dragged, bubbles: true, cancelable: true}));
		return !document.querySelector(".drop-hint").hidden })()`)
	if !shown {
		p.t.Error("dragging a file over the page shows nothing")
	}
	p.run("dropping", chromedp.Evaluate(`document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: window.dragged, bubbles: true, cancelable: true})); null`, nil))
}

// seen waits until the viewer shows at least so many colours of the slide.
func (p *page) seen() {
	p.t.Helper()
	p.until("the slide is open", `document.querySelector(".viewer").dataset.opened`)
	p.until("the slide is seen", `(() => {
		const canvas = document.querySelector(".stage .openseadragon-canvas canvas");
		const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		const colours = new Set();
		for (let i = 0; i < data.length; i += 28) colours.add(data[i] << 16 | data[i+1] << 8 | data[i+2]);
		return colours.size > 500 })()`)
}

func TestSlideBroughtToThePageIsSeen(t *testing.T) {
	requirePage(t)
	file := slideFile(t)
	browser := newBrowser(t)
	for i, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			p := newPage(browser, t, Serve(t).Base, l)
			p.open("")
			p.until("the empty list invites", `document.querySelector(".empty button")`)
			p.shot("1-empty")
			if i%2 == 0 {
				p.drop(file)
			} else {
				p.pick(file)
			}
			p.until("the upload is ready", `document.querySelector(".upload-row.done a")`)
			p.until("the list has its picture", `[...document.querySelectorAll(".card img")].some((img) => img.complete && img.naturalWidth > 100)`)
			p.shot("2-list")

			p.run("clicking the slide", chromedp.Click(".card-link", chromedp.ByQuery))
			p.seen()
			p.until("the scale is shown", `document.querySelector(".scale-label").textContent.endsWith("m") && document.querySelector(".power").textContent !== ""`)
			p.shot("3-viewer")
			p.run("opening the details", chromedp.Click(`.viewer-bar [aria-label="Details"]`, chromedp.ByQuery))
			p.until("the details are there", `document.querySelectorAll(".fact-list dd").length >= 5 && document.querySelectorAll(".metadata-row").length >= 5`)
			p.until("the associated images are there", `[...document.querySelectorAll(".associated img")].every((img) => img.complete && img.naturalWidth > 0)`)
			p.shot("4-details")
			p.mustFit(l)
			p.mustBeClean()
		})
	}
}

// mustFit fails when the page is wider than the window.
func (p *page) mustFit(l look) {
	p.t.Helper()
	if width := value[int64](p, "document.documentElement.scrollWidth"); width > l.width {
		p.t.Errorf("the page is %d pixels wide in a window of %d", width, l.width)
	}
}

func TestKeyboardAloneIsEnough(t *testing.T) {
	requirePage(t)
	file := slideFile(t)
	p := newPage(newBrowser(t), t, Serve(t).Base, looks[0])
	p.open("")
	p.until("the empty list invites", `document.querySelector(".empty button")`)
	p.pick(file)
	p.until("the slide is listed", `document.querySelector(".upload-row.done") && document.querySelector(".card-link")`)

	const named = `(() => { const a = document.activeElement; return a.getAttribute("aria-label") ?? a.textContent.trim() })()`
	var order []string
	for range 12 {
		p.press(kb.Tab)
		order = append(order, value[string](p, named))
		if value[bool](p, `document.activeElement.matches(".card-link")`) {
			break
		}
	}
	for _, want := range []string{"Skip to the slides", "API", "Upload", "Open", "Find a slide by name"} {
		if !strings.Contains(strings.Join(order, "|"), want) {
			t.Errorf("Tab does not reach %q; it reaches %q", want, order)
		}
	}
	if !value[bool](p, `document.activeElement.matches(".card-link")`) {
		t.Fatalf("Tab does not reach the slide; it reaches %q", order)
	}
	p.press(kb.Enter)
	p.seen()
	if !value[bool](p, `document.activeElement.matches(".openseadragon-canvas")`) {
		t.Errorf("the viewer does not have the focus, %s has", value[string](p, "document.activeElement.outerHTML.slice(0, 200)"))
	}
	if !value[bool](p, ringed) {
		t.Error("who uses the keyboard does not see that the picture has the focus")
	}
	before := value[float64](p, zoomOf)
	p.press("+")
	p.until("plus zooms in and the address follows", fmt.Sprintf("%s > %g", zoomOf, before*1.05))
	x := value[float64](p, xOf)
	p.press(kb.ArrowRight)
	p.until("the arrow moves right and the address follows", fmt.Sprintf("%s > %g", xOf, x))
	p.press("1")
	p.until("1 shows the full resolution", zoomOf+" === 1")
	p.press(kb.Escape)
	p.until("Esc leads back to the slide in the list", `document.querySelector(".viewer").hidden && document.activeElement.matches(".card-link")`)
	p.mustBeClean()
}

// What the address says about the view, and whether a ring marks the picture.
const (
	zoomOf = `Number(new URLSearchParams(location.hash.split("?")[1]).get("z"))`
	xOf    = `Number(new URLSearchParams(location.hash.split("?")[1]).get("x"))`
	ringed = `getComputedStyle(document.querySelector(".openseadragon-canvas")).outlineStyle !== "none"`
)

func TestDeepLinkOpensThatView(t *testing.T) {
	requirePage(t)
	server := Serve(t)
	id, _ := server.ImportFile(t, slideFile(t))
	p := newPage(newBrowser(t), t, server.Base, looks[0])
	want := "#/slide/" + id + "?z=1.5&x=1000&y=1500"
	p.open(want)
	p.seen()
	if got := value[string](p, "location.hash"); got != want {
		t.Errorf("the address became %s, want %s", got, want)
	}
	if value[bool](p, ringed) {
		t.Error("a ring marks the picture although nobody used the keyboard")
	}
	p.run("changing the address", chromedp.Evaluate(`location.hash = location.hash.replace("x=1000", "x=1200"); null`, nil))
	p.until("the view follows", xOf+" === 1200")
	p.open("#/slide/upload-00000000-0000-5000-8000-000000000000")
	p.until("a slide that is not there says so", `!document.querySelector(".stage-problem").hidden`)
}

func TestFailedImportTellsWhyAndCanBeDeleted(t *testing.T) {
	requirePage(t)
	file := filepath.Join(t.TempDir(), "notes of a meeting.svs")
	if err := os.WriteFile(file, []byte(strings.Repeat("not a slide\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := Serve(t)
	p := newPage(newBrowser(t), t, server.Base, looks[0])
	p.open("")
	p.until("the empty list invites", `document.querySelector(".empty button")`)
	p.pick(file)
	p.until("the upload tells that it failed", `document.querySelector(".upload-row.failed .upload-text")?.textContent.length > 30`)
	p.until("the list tells why", `document.querySelector(".card.failed .failed-reason")?.textContent.length > 20`)
	p.shot("failed")
	p.run("deleting it", chromedp.Click(".card.failed .card-delete", chromedp.ByQuery),
		chromedp.WaitVisible("dialog .danger", chromedp.ByQuery))
	p.shot("dialog")
	p.run("confirming", chromedp.Click("dialog .danger", chromedp.ByQuery))
	p.until("it is gone", `!document.querySelector(".card") && document.querySelector(".empty")`)
	p.mustBeClean()
}

func TestPageWorksBelowABasePath(t *testing.T) {
	requirePage(t)
	server := Serve(t, "API_BASE_PATH=/a/b")
	p := newPage(newBrowser(t), t, server.Base, looks[2])
	p.open("")
	p.until("the empty list invites", `document.querySelector(".empty button")`)
	p.pick(slideFile(t))
	p.until("the list has its picture", `[...document.querySelectorAll(".card img")].some((img) => img.complete && img.naturalWidth > 100)`)
	p.run("clicking the slide", chromedp.Click(".card-link", chromedp.ByQuery))
	p.seen()
	p.mustBeClean()
}

func TestDocumentationPageShowsEveryEndpointOffline(t *testing.T) {
	requirePage(t)
	server := Serve(t)
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	response, err := http.Get(server.Base + "openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, path := range document.Paths {
		for method := range path {
			if method != "parameters" {
				operations++
			}
		}
	}
	browser := newBrowser(t)
	for _, l := range []look{looks[0], looks[3]} {
		t.Run(l.name, func(t *testing.T) {
			p := newPage(browser, t, server.Base, l)
			p.open("docs")
			p.until("all endpoints are listed", fmt.Sprintf(`document.querySelectorAll(".opblock").length === %d`, operations))
			p.shot("docs")
			p.mustFit(l)
			p.mustBeClean()
		})
	}
}
