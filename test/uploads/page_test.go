package uploads_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	allocator, cancel := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(1100, 700), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
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
