package localstack_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pims-cloud/pims/internal/slide"
)

type slideID = slide.ID

// objectsOfASlide are those of an SVS with label and macro, besides its own bytes.
func objectsOfASlide() []string {
	return []string{
		"processed/annotations.json", "processed/associated/label.png", "processed/associated/macro.jpg",
		"processed/associated/thumb.jpg", "processed/histogram.json", "processed/import.json", "processed/metadata.json",
		"processed/slide.pims",
	}
}

// transport sends every request to LocalStack, whatever the host's name.
func (c *cloud) transport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, c.endpoint.Host)
	}
	return transport
}

// keepVersions has the slides bucket keep all that it is given until the test ends,
// and gives the function that counts how often each key that ends so was written
// since then.
func (c *cloud) keepVersions(t *testing.T) (since func(suffix string) map[string]int) {
	t.Helper()
	set := func(ctx context.Context, status types.BucketVersioningStatus) error {
		_, err := c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket:                  aws.String(c.name(c.settings.Storage.Slides.Bucket)),
			VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
		return err
	}
	if err := set(t.Context(), types.BucketVersioningStatusEnabled); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set(context.Background(), types.BucketVersioningStatusSuspended); err != nil {
			t.Errorf("the bucket keeps versions after the test: %v", err)
		}
	})
	before := c.versions(t, "")
	return func(suffix string) map[string]int {
		now := c.versions(t, suffix)
		for key := range now {
			if now[key] -= before[key]; now[key] == 0 {
				delete(now, key)
			}
		}
		return now
	}
}

// versions counts the versions of each key that ends so.
func (c *cloud) versions(t *testing.T, suffix string) map[string]int {
	t.Helper()
	count := map[string]int{}
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: aws.String(c.name(c.settings.Storage.Slides.Bucket))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			if key := aws.ToString(v.Key); strings.HasSuffix(key, suffix) {
				count[key]++
			}
		}
	}
	return count
}

// openUploads are the keys of uploads in parts that were begun and not ended.
func (c *cloud) openUploads(t *testing.T, bucket string) (keys []string) {
	t.Helper()
	out, err := c.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(c.name(bucket))})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		keys = append(keys, aws.ToString(u.Key))
	}
	return keys
}

// objects are the keys of the slides store, in order.
func (c *cloud) objects(t *testing.T) (keys []string) {
	t.Helper()
	for o, err := range c.slides.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	slices.Sort(keys)
	return keys
}

// processes finds the processes of a function of this LocalStack by their
// environment. Docker's and those of other systems than Linux can not be seen.
func (c *cloud) processes(t *testing.T, function string) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		environ := "\x00" + string(text)
		if strings.Contains(environ, "\x00AWS_LAMBDA_FUNCTION_NAME="+c.name(function)+"\x00") &&
			strings.Contains(environ, "\x00AWS_ENDPOINT_URL="+c.endpoint.String()+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
