package webtest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/png" // what screenshots are
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// stepTimeout bounds one wait for the page; on two busy cores a cold browser
// takes seconds.
const stepTimeout = 40 * time.Second

// look is a window and a colour scheme.
type look struct {
	name   string
	width  int64
	height int64
	scheme string
}

var looks = []look{
	{"1280-light", 1280, 800, "light"},
	{"1280-dark", 1280, 800, "dark"},
	{"390-light", 390, 844, "light"},
	{"390-dark", 390, 844, "dark"},
}

// newBrowser starts Debian's Chromium with a profile of its own. The test is
// skipped where there is none.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (make setup installs it)")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(stepTimeout),
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	// The browser must be gone before its profile's folder is removed.
	t.Cleanup(func() { _ = chromedp.Cancel(browser) })
	return browser
}

// page is one tab, with everything that went wrong in it.
type page struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	expected string // in entries of the log that are no problem; "": none
	problems []string
	foreign  []string
}

// newPage opens a tab that looks like l. base is the server's address with a
// slash at its end.
func newPage(browser context.Context, t *testing.T, base string, l look) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx, base: base}
	chromedp.ListenTarget(ctx, p.listen)
	p.run("opening a tab",
		log.Enable(), network.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(l.width, l.height, 1, l.width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}),
	)
	return p
}

func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			var words []string
			for _, argument := range e.Args {
				words = append(words, string(argument.Value)+argument.Description)
			}
			p.problems = append(p.problems, "console: "+strings.Join(words, " "))
		}
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, "exception: "+e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && (p.expected == "" || !strings.Contains(e.Entry.Text, p.expected)) {
			p.problems = append(p.problems, fmt.Sprintf("log: %s (%s)", e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		url := e.Request.URL
		if !strings.HasPrefix(url, p.base) && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") && !strings.HasPrefix(url, "about:") {
			p.foreign = append(p.foreign, url)
		}
	}
}

// run does actions within stepTimeout; what names them for the failure.
func (p *page) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	// The first run of a tab's context starts the tab and must not be given a
	// context that ends sooner than it.
	if chromedp.FromContext(p.ctx).Target == nil {
		if err := chromedp.Run(p.ctx); err != nil {
			p.t.Fatalf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.shot("failed")
		p.t.Fatalf("%s: %v%s", what, err, p.found())
	}
}

// until waits for a JavaScript expression to hold.
func (p *page) until(what, expression string) {
	p.t.Helper()
	p.run("waiting until "+what, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(stepTimeout)))
}

// value evaluates a JavaScript expression.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	var out T
	p.run("evaluating "+expression, chromedp.Evaluate(expression, &out))
	return out
}

// open goes to an address relative to the server's.
func (p *page) open(path string) {
	p.t.Helper()
	p.run("opening "+path, chromedp.Navigate(p.base+path))
}

// press sends one key to whatever has the focus.
func (p *page) press(key string) {
	p.t.Helper()
	p.run("pressing "+key, chromedp.KeyEvent(key))
}

// shot takes a picture of the window, into SCREENSHOTS or the test's own folder.
func (p *page) shot(name string) image.Image {
	p.t.Helper()
	var data []byte
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&data)); err != nil {
		p.t.Logf("no screenshot: %v", err)
		return nil
	}
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = p.t.TempDir()
	}
	file := filepath.Join(folder, strings.ReplaceAll(p.t.Name(), "/", "_")+"_"+name+".png")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		p.t.Fatal(err)
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}

func (p *page) found() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) == 0 {
		return ""
	}
	return "\n" + strings.Join(p.problems, "\n")
}

// tolerate takes entries of the browser's log that have this text as expected.
func (p *page) tolerate(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = text
}

// mustBeClean fails the test when the console has an error or something came
// from another host.
func (p *page) mustBeClean() {
	p.t.Helper()
	if found := p.found(); found != "" {
		p.t.Errorf("the browser reported:%s", found)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.foreign) > 0 {
		p.t.Errorf("the page asked other hosts: %v", p.foreign)
	}
}
