package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// BenchmarkColdStart starts the real programs under the emulator as often as it is
// told (-benchtime 20x) and tells the median time from the start of the process to
// the first byte of its first reply, and what memory it then has: resident, and
// live on the heap; then all of it beside the goals. make bench-cloud runs it.
func BenchmarkColdStart(b *testing.B) {
	gw := s3gateway.Start(b)
	gw.Bucket(b, "incoming")
	gw.Bucket(b, "slides")
	environ := append(gw.Env(), "STORE_URL=s3://slides/prod", "UPLOADS_URL=s3://incoming/in", "LOG_FORMAT=json",
		"QUEUE_URL=http://sqs.invalid/000000000000/imports")
	binaries := map[string]string{}
	for _, name := range []string{"tiles", "metadata", "import"} {
		binaries[name] = runtimetest.Build(b, testfiles.Root(b), "./functions/"+name)
	}
	c := &cloud{uploads: gw.Store(b, "incoming", "in/"), imports: runtimetest.Start(b, binaries["import"], environ...)}
	slide := c.direct(b, c.put(b, testfiles.Own(b, "svs/rgb-240.svs"), "bench.svs"))
	starts := map[string]coldStarted{}
	cases := []struct{ name, function, event string }{
		{"tiles, ping", "tiles", get2("/ping")},
		{"tiles, first tile", "tiles", get2("/image/" + slide.Path + "/tile/level/0/tx/0/ty/0.jpg")},
		{"metadata, first info", "metadata", get2("/image/" + slide.Path + "/info")},
		{"import, empty event", "import", `{"Event":"s3:TestEvent"}`},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) { starts[c.name] = coldStart(b, binaries[c.function], c.event, environ) })
	}
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "FUNCTION, FIRST REPLY\tCOLD START (goal < %d ms)\tHEAP (goal < %d MB)\tRESIDENT\n", goalColdStart.Milliseconds(), goalHeapMB)
	for _, c := range cases {
		s, ran := starts[c.name]
		if !ran {
			continue // -bench chose others
		}
		heap := "not told, within RESIDENT"
		if s.heapMB > 0 {
			heap = fmt.Sprintf("%.1f MB, %s", s.heapMB, verdict(s.heapMB < goalHeapMB))
		}
		fmt.Fprintf(table, "%s\t%.1f ms, %s\t%s\t%.1f MB\n", c.name, float64(s.median)/1e6, verdict(s.median < goalColdStart), heap, s.residentMB)
	}
	if err := table.Flush(); err != nil {
		b.Fatal(err)
	}
	b.Logf("medians, after the first reply\n%s", &out)
}

// The goals of a function's package: from the start of its process to the first
// byte of its first reply, and what then lies on its heap.
const (
	goalColdStart = 100 * time.Millisecond
	goalHeapMB    = 30
)

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// coldStarted is what starts of a program measured.
type coldStarted struct {
	median             time.Duration
	residentMB, heapMB float64 // heapMB is 0 where it is not known
}

// TestAFunctionStartsSmall: heap after init and the first reply, garbage included.
func TestAFunctionStartsSmall(t *testing.T) {
	environ := []string{"STORE_URL=file://" + t.TempDir(), "UPLOADS_URL=file://" + t.TempDir(), "LOG_FORMAT=json",
		"QUEUE_URL=http://sqs.invalid/000000000000/imports", "AWS_REGION=eu-west-1"}
	for _, name := range []string{"tiles", "metadata"} {
		heap := heapMB(t, runtimetest.Build(t, testfiles.Root(t), "./functions/"+name), get2("/ping"), environ)
		if heap <= 0 || heap >= goalHeapMB {
			t.Errorf("%s has %.1f MB on its heap, want less than %d", name, heap, goalHeapMB)
		}
	}
}

// get2 is a GET as payload version 2.0.
func get2(path string) string {
	return fmt.Sprintf(`{"version":"2.0","rawPath":%q,"headers":{"accept":"image/jpeg"},"requestContext":{"http":{"method":"GET","sourceIp":"127.0.0.1"}}}`, path)
}

func coldStart(b *testing.B, binary, event string, environ []string) coldStarted {
	var took []time.Duration
	var resident []float64
	for b.Loop() {
		begun := time.Now()
		f := runtimetest.Start(b, binary, environ...)
		reply, err := f.Invoke(b.Context(), []byte(event))
		if err != nil {
			b.Fatal(err)
		}
		var first [1]byte
		if _, err := io.ReadFull(reply.Body, first[:]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
		if rest, err := io.ReadAll(reply.Body); err != nil || bytes.Contains(rest[:min(len(rest), 40)], []byte(`tusCode":5`)) {
			b.Fatalf("%v: %.200s", err, rest)
		}
		if err := reply.Body.Close(); err != nil {
			b.Fatal(err)
		}
		resident = append(resident, residentMB(b, f.PID()))
		f.Kill()
	}
	slices.Sort(took)
	slices.Sort(resident)
	b.ReportMetric(0, "ns/op") // the mean, with the end of each process in it, means nothing
	out := coldStarted{took[len(took)/2], resident[len(resident)/2], heapMB(b, binary, event, environ)}
	b.ReportMetric(float64(out.median)/1e6, "ms-median")
	b.ReportMetric(float64(took[0])/1e6, "ms-least")
	b.ReportMetric(out.residentMB, "MB-resident")
	if out.heapMB > 0 {
		b.ReportMetric(out.heapMB, "MB-heap")
	}
	return out
}

// residentMB is the memory that a process has, in 10⁶ bytes; 0 where /proc does
// not tell.
func residentMB(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib * 1024 / 1e6
}

var heapAlloc = regexp.MustCompile(`# HeapAlloc = (\d+)`)

// heapMB is what lies on the heap of a process after its first reply, in 10⁶
// bytes, garbage included; 0 for a function that answers no HTTP.
func heapMB(b testing.TB, binary, event string, environ []string) float64 {
	f := runtimetest.Start(b, binary, append(slices.Clone(environ), "DEBUG=true")...)
	defer f.Kill()
	if _, err := f.InvokeJSON(b.Context(), []byte(event)); err != nil {
		b.Fatal(err)
	}
	out, err := f.InvokeJSON(b.Context(), []byte(strings.Replace(get2("/debug/pprof/heap"), `"headers"`, `"rawQueryString":"debug=1","headers"`, 1)))
	if err != nil {
		return 0
	}
	var reply struct{ Body string }
	if err := json.Unmarshal(out, &reply); err != nil {
		b.Fatal(err)
	}
	found := heapAlloc.FindStringSubmatch(reply.Body)
	if found == nil {
		b.Fatalf("no heap size in %.200q", out)
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n / 1e6
}
