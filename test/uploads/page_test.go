package uploads_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/pims-cloud/pims/test/pimsserver"
)

// allowPage is the CORS rule that docs/security.md tells to set.
func allowPage(t *testing.T, server *pimsserver.Server) {
	t.Helper()
	_, err := server.Gateway.Client().PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{
		Bucket: aws.String(pimsserver.UploadsBucket),
		CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
			AllowedOrigins: []string{server.URL}, AllowedMethods: []string{"PUT"},
			AllowedHeaders: []string{"x-amz-checksum-crc32c", "content-type"},
			ExposeHeaders:  []string{"ETag", "x-amz-checksum-crc32c"}, MaxAgeSeconds: aws.Int32(3000),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newBrowser gives a tab of a browser with a profile of its own, which starts with
// the first action.
func newBrowser(t *testing.T, chromium string) context.Context {
	t.Helper()
	allocator, cancel := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(1100, 700), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	return browser
}

// TestPageSendsPartsToTheBucket drops a slide on the real page in a real
// browser: its parts go to the bucket, under the page's content security policy
// and the bucket's CORS rule, and the slide can be opened.
func TestPageSendsPartsToTheBucket(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (make setup installs it)")
	}
	server := pimsserver.Start(t)
	allowPage(t, server)
	slide := filepath.Join(t.TempDir(), "a slide.svs")
	if err := os.WriteFile(slide, slideOf(t, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t, chromium)
	var mu sync.Mutex
	var puts, posts int
	var problems []string
	chromedp.ListenTarget(browser, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.Method == "PUT" && strings.HasPrefix(e.Request.URL, server.Gateway.Endpoint) {
				puts++
			}
			if e.Request.Method == "POST" && strings.HasSuffix(e.Request.URL, "/upload") {
				posts++
			}
		case *network.EventLoadingFailed:
			if !e.Canceled { // what the page itself gives up is no problem
				problems = append(problems, fmt.Sprint(e.ErrorText, e.BlockedReason, e.CorsErrorStatus))
			}
		case *runtime.EventExceptionThrown:
			problems = append(problems, e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(browser, network.Enable(), runtime.Enable()); err != nil { // the browser lives until it is cancelled
		t.Fatalf("chromium does not start: %v", err)
	}
	var picture []byte
	var text string
	ctx, stop := context.WithTimeout(browser, time.Minute)
	defer stop()
	err = chromedp.Run(ctx,
		chromedp.Navigate(server.URL+"/"), chromedp.WaitVisible(".top", chromedp.ByQuery),
		chromedp.SetUploadFiles(`input[type=file]`, []string{slide}, chromedp.ByQuery),
		chromedp.WaitVisible(".upload-row.done, .upload-row.failed", chromedp.ByQuery),
		chromedp.WaitVisible(".card", chromedp.ByQuery),
	)
	last, stopLast := context.WithTimeout(browser, 20*time.Second)
	defer stopLast()
	_ = chromedp.Run(last, chromedp.Evaluate("document.body.innerText", &text), chromedp.CaptureScreenshot(&picture))
	_ = chromedp.Cancel(browser) // before its profile's folder is removed
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		_ = os.WriteFile(filepath.Join(folder, "page-parts.png"), picture, 0o600)
	}
	mu.Lock()
	defer mu.Unlock()
	told := fmt.Sprintf("%d parts to the bucket, %d forms to the server, problems %v\nthe page says: %s", puts, posts, problems, text)
	if err != nil || puts != 3 || posts != 0 || len(problems) != 0 || !strings.Contains(text, "Ready") {
		t.Errorf("want 3 parts, no form, and a slide that is ready (%v); there were %s", err, told)
	}
}

// TestPageGoesOnWithAnUpload tries again what could not begin, loads the page anew
// while the third of five parts is on its way, and chooses the file again.
func TestPageGoesOnWithAnUpload(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (make setup installs it)")
	}
	var counter *partCounter
	server := pimsserver.StartBehind(t, func(gateway string) string {
		counter = newPartCounter(t, gateway)
		front := httptest.NewServer(counter)
		t.Cleanup(front.Close)
		return front.URL
	})
	allowPage(t, server)
	slide := filepath.Join(t.TempDir(), "a slide.svs")
	if err := os.WriteFile(slide, slideOf(t, 33<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t, chromium)
	if err := chromedp.Run(browser); err != nil { // it lives until it is cancelled
		t.Fatalf("chromium does not start: %v", err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(browser) }) // before its profile's folder is removed
	var text string
	do := func(what string, actions ...chromedp.Action) {
		t.Helper()
		ctx, stop := context.WithTimeout(browser, time.Minute)
		defer stop()
		if err := chromedp.Run(ctx, actions...); err != nil {
			last, stopLast := context.WithTimeout(browser, 20*time.Second)
			defer stopLast()
			_ = chromedp.Run(last, chromedp.Evaluate("document.body.innerText", &text))
			t.Fatalf("%s: %v\nthe page says: %s", what, err, text)
		}
	}
	choose := []chromedp.Action{
		chromedp.Navigate(server.URL + "/"), chromedp.WaitVisible(".empty, .card", chromedp.ByQuery),
		chromedp.SetUploadFiles(`input[type=file]`, []string{slide}, chromedp.ByQuery),
	}
	counter.setRefuse(true)
	do("choosing a file that is refused", append(choose, chromedp.WaitVisible(".upload-row.failed .upload-action .button", chromedp.ByQuery))...)
	counter.setRefuse(false)
	counter.take(3)
	do("trying again", chromedp.Click(".upload-row.failed .upload-action .button", chromedp.ByQuery))
	deadline := time.Now().Add(time.Minute)
	for <-counter.reached; counter.answered() < 4; {
		if time.Now().After(deadline) {
			t.Fatalf("%d parts are stored after a minute, want 4 and one that is held back", counter.answered())
		}
		time.Sleep(20 * time.Millisecond) // polling, with a deadline
	}
	do("loading the page anew", chromedp.Navigate("about:blank"))
	if got := counter.take(0); slices.Contains(got, 3) || len(got) != 4 {
		t.Fatalf("before the page was left it sent the parts %v, want all but 3", got)
	}
	do("choosing the file again", append(choose, chromedp.WaitVisible(".upload-row.done", chromedp.ByQuery))...)
	if got := counter.take(0); !slices.Equal(got, []int{3}) {
		t.Errorf("the page sent the parts %v again, want 3 alone", got)
	}
	if left := s3Uploads(t, server); left != 0 {
		t.Errorf("%d uploads are under way in the bucket, want none", left)
	}
}

// s3Uploads is how many multipart uploads the bucket has under way.
func s3Uploads(t *testing.T, server *pimsserver.Server) int {
	t.Helper()
	out, err := server.Gateway.Client().ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: aws.String(pimsserver.UploadsBucket)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Uploads)
}
