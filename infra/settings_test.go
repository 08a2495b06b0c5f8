// Package infra_test holds infra/settings.json to the code, and the plans of
// infra/terraform to both.
package infra_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// settings is infra/settings.json: what the Terraform modules and LocalStack's
// provisioning both read.
type settings struct {
	Name    string `json:"name"`
	Storage struct {
		Uploads struct {
			Bucket string   `json:"bucket"`
			Prefix string   `json:"prefix"`
			Suffix string   `json:"suffix"`
			Events []string `json:"events"`
		} `json:"uploads"`
		Slides struct {
			Bucket string `json:"bucket"`
			Prefix string `json:"prefix"`
		} `json:"slides"`
		Results struct {
			Prefix     string `json:"prefix"`
			ExpireDays int    `json:"expire_days"`
		} `json:"results"`
		AbortMultipartDays int `json:"abort_multipart_days"`
	} `json:"storage"`
	Queues    map[string]queueSettings    `json:"queues"`
	Functions map[string]functionSettings `json:"functions"`
	Render    functionSettings            `json:"render"` // where there is an image with libvips
	Worker    struct {
		Queue        string            `json:"queue"`
		CPUUnits     int               `json:"cpu_units"`
		MemoryMB     int               `json:"memory_mb"`
		EphemeralGiB int               `json:"ephemeral_gib"`
		Command      []string          `json:"command"`
		Environment  map[string]string `json:"environment"`
	} `json:"worker"`
	CDN struct {
		Credentials struct {
			QueryParameters []string `json:"query_parameters"`
			Cookies         []string `json:"cookies"`
		} `json:"credentials"`
		QueryParameters []string `json:"query_parameters"` // that pictures depend on
	} `json:"cdn"`
}

type queueSettings struct {
	Name                       string `json:"name"`
	DeadLetterName             string `json:"dead_letter_name"`
	VisibilitySeconds          int    `json:"visibility_seconds"`
	MaxReceiveCount            int    `json:"max_receive_count"`
	RetentionSeconds           int    `json:"retention_seconds"`
	DeadLetterRetentionSeconds int    `json:"dead_letter_retention_seconds"`
}

type functionSettings struct {
	Binary                string            `json:"binary"` // of functions/; that of the function's own name when empty
	MemoryMB              int               `json:"memory_mb"`
	TimeoutSeconds        int               `json:"timeout_seconds"`
	EphemeralMB           int               `json:"ephemeral_mb"`
	Queue                 string            `json:"queue"`
	BatchSize             int               `json:"batch_size"`
	BatchingWindowSeconds int               `json:"batching_window_seconds"`
	MaximumConcurrency    int               `json:"maximum_concurrency"`
	Environment           map[string]string `json:"environment"`
}

func readSettings(t *testing.T) settings {
	t.Helper()
	file, err := os.Open("settings.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := json.NewDecoder(file)
	in.DisallowUnknownFields()
	var s settings
	if err := in.Decode(&s); err != nil {
		t.Fatalf("settings.json: %v", err)
	}
	return s
}

// known are the names of the program's settings.
func known(t *testing.T) map[string]bool {
	t.Helper()
	defaults, err := config.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range defaults.Table() {
		names[s.Name] = true
	}
	return names
}

// checkEnvironment fails when the program has no such setting or refuses a value.
func checkEnvironment(t *testing.T, of string, environment map[string]string) *config.Config {
	t.Helper()
	names := known(t)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if !names[name] {
			t.Errorf("%s: %s is no setting of the program (pims config lists them)", of, name)
		}
		lines = append(lines, name+"="+environment[name])
	}
	loaded, err := config.LoadIn(t.TempDir(), lines)
	if err != nil {
		t.Errorf("%s: the program would not start with this environment: %v", of, err)
	}
	return loaded
}

// TestTheCDNKnowsWhereGrantsAre: a grant that were not part of the cache's key
// would not reach the program, and its pictures would be given to everybody.
func TestTheCDNKnowsWhereGrantsAre(t *testing.T) {
	got := readSettings(t).CDN.Credentials
	if !slices.Equal(got.QueryParameters, []string{access.GrantParameter}) || !slices.Equal(got.Cookies, []string{access.GrantCookie, access.TokenCookie}) {
		t.Errorf("cdn.credentials is %+v: expected the query parameter %s and the cookies %s and %s", got, access.GrantParameter, access.GrantCookie, access.TokenCookie)
	}
}

func TestTheProgramTakesTheEnvironments(t *testing.T) {
	s := readSettings(t)
	for name, f := range s.Functions {
		loaded := checkEnvironment(t, "functions."+name, f.Environment)
		if loaded != nil && f.Queue != "" {
			checkAttempts(t, "functions."+name, loaded, s.Queues[f.Queue])
			checkVisibility(t, "functions."+name, loaded, s.Queues[f.Queue])
		}
	}
	checkEnvironment(t, "render", s.Render.Environment)
	if loaded := checkEnvironment(t, "worker", s.Worker.Environment); loaded != nil {
		checkAttempts(t, "worker", loaded, s.Queues[s.Worker.Queue])
		checkVisibility(t, "worker", loaded, s.Queues[s.Worker.Queue])
	}
}

// checkAttempts: an import is reported as failed on the delivery after which its
// message becomes a dead letter, neither before nor never.
func checkAttempts(t *testing.T, of string, c *config.Config, q queueSettings) {
	t.Helper()
	if c.Import.MaxAttempts != q.MaxReceiveCount {
		t.Errorf("%s: IMPORT_MAX_ATTEMPTS is %d, its queue's max_receive_count %d: expected the same", of, c.Import.MaxAttempts, q.MaxReceiveCount)
	}
}

// checkVisibility: a dead worker's message does not come back before its claim on
// the import ends, nor later than the queue itself would give it back.
func checkVisibility(t *testing.T, of string, c *config.Config, q queueSettings) {
	t.Helper()
	longest := time.Duration(q.VisibilitySeconds) * time.Second
	if !c.Given("QUEUE_VISIBILITY") || c.SQS.Visibility < c.Import.Lease || c.SQS.Visibility > longest {
		t.Errorf("%s: QUEUE_VISIBILITY is %v: expected a setting from IMPORT_LEASE (%v) to visibility_seconds of its queue (%v)",
			of, c.SQS.Visibility, c.Import.Lease, longest)
	}
}

func TestFunctionsFitTheirQueues(t *testing.T) {
	s := readSettings(t)
	for name, f := range s.Functions {
		binary := name
		if f.Binary != "" {
			binary = f.Binary
		}
		if _, err := os.Stat(filepath.Join(testfiles.Root(t), "functions", binary, "main.go")); err != nil {
			t.Errorf("functions.%s: there is no functions/%s", name, binary)
		}
		if f.Queue == "" {
			continue
		}
		q, ok := s.Queues[f.Queue]
		if !ok {
			t.Errorf("functions.%s: there is no queue %q", name, f.Queue)
			continue
		}
		if q.VisibilitySeconds < 6*f.TimeoutSeconds {
			t.Errorf("functions.%s: a message of queue %s is invisible for %d s, want at least six times the function's %d s",
				name, f.Queue, q.VisibilitySeconds, f.TimeoutSeconds)
		}
	}
	if _, ok := s.Queues[s.Worker.Queue]; !ok {
		t.Errorf("worker: there is no queue %q", s.Worker.Queue)
	}
	for name, q := range s.Queues {
		if q.DeadLetterRetentionSeconds < q.RetentionSeconds {
			// A dead letter's age counts from when it was first sent.
			t.Errorf("queues.%s: a dead letter may be deleted before anybody saw it", name)
		}
	}
}

func TestPlacesDoNotOverlap(t *testing.T) {
	s := readSettings(t).Storage
	for of, prefix := range map[string]string{"uploads": s.Uploads.Prefix, "slides": s.Slides.Prefix, "results": s.Results.Prefix} {
		if prefix == "" || !strings.HasSuffix(prefix, "/") {
			t.Errorf("storage.%s.prefix is %q: expected a name with / behind it, so that rights and rules can be limited to it", of, prefix)
		}
	}
	// Slides are upload-<uuid>/…, so that nothing of theirs expires with the results.
	if rest, ok := strings.CutPrefix(s.Results.Prefix, s.Slides.Prefix); !ok || rest != "results/" {
		t.Errorf("results lie in %q, slides in %q: expected results/ in the slides store, where the program writes them", s.Results.Prefix, s.Slides.Prefix)
	}
	if s.Uploads.Bucket == s.Slides.Bucket {
		t.Errorf("uploads and slides are both in bucket %q", s.Slides.Bucket)
	}
}
