package cost

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pims-cloud/pims/fault"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

func TestBillByHand(t *testing.T) {
	p := Prices{Currency: "EUR", Prices: map[string]Price{
		"function_requests": {0.20, 1e6}, "function_gb_seconds": {0.00002, 1}, "s3_gets": {0.0004, 1000},
		"transfer_gb": {0.09, 1}, "redis_node_hours": {0.02, 1},
	}}
	b, err := Of(Counters{Tiles: 500_000, Items: map[string]float64{
		"function_requests": 600_000, "function_gb_seconds": 15_000, "s3_gets": 700_000, "transfer_gb": 11, "redis_node_hours": 730,
	}}, p)
	if err != nil {
		t.Fatal(err)
	}
	// 0.6 × 0.20 = 0.12; 15,000 × 0.00002 = 0.30; 700 × 0.0004 = 0.28; 11 × 0.09 = 0.99; 730 × 0.02 = 14.60.
	for i, want := range []float64{0.12, 0.30, 0.28, 0.99, 14.60} {
		if !near(b.Lines[i].Cost, want) {
			t.Errorf("%s costs %v, want %v", b.Lines[i].Key, b.Lines[i].Cost, want)
		}
	}
	// 0.12 + 0.30 + 0.28 + 0.99 = 1.69 for half a million tiles.
	if !near(b.Usage, 1.69) || !near(b.PerMillion, 3.38) || !near(b.Fixed, 14.60) || b.Lines[4].PerMillion != 0 || !near(b.Lines[3].PerMillion, 1.98) {
		t.Errorf("with use %v, a million tiles %v, fixed %v", b.Usage, b.PerMillion, b.Fixed)
	}
}

func TestWhatHasNoPriceIsTold(t *testing.T) {
	_, err := Of(Counters{Items: map[string]float64{"s3_gets": 1}}, Prices{})
	if fault.CodeOf(err) != "cost-no-price" || !strings.Contains(fault.Sentence(err), "s3_gets") {
		t.Errorf("got %v", err)
	}
}

func TestExamplesHaveAPriceForEverything(t *testing.T) {
	p, err := Examples()
	if err != nil || !p.Example || p.Date == "" || p.Region == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, i := range Items() {
		if _, ok := p.Prices[i.Key]; !ok {
			t.Errorf("%s has no example price", i.Key)
		}
	}
}

const page = `# TYPE pims_http_requests_total counter
pims_http_requests_total{method="GET",route="/image/{p...}/tile/level/{level:int}/ti/{ti:int}{ext}",status="200"} 900
pims_http_requests_total{method="GET",route="/image/{p...}_files/{level:int}/{tile}",status="304"} 100
pims_http_requests_total{method="GET",route="/image/{p...}/tile/level/{level:int}/ti/{ti:int}{ext}",status="404"} 7
pims_http_requests_total{method="GET",route="/image/{p...}/info",status="200"} 93
pims_http_requests_total{method="GET",route="/metrics",status="200"} 50
# TYPE pims_http_request_seconds histogram
pims_http_request_seconds_bucket{route="/image/{p...}/info",class="other",le="+Inf"} 93
pims_http_request_seconds_sum{route="/image/{p...}/info",class="other"} 4
pims_http_request_seconds_count{route="/image/{p...}/info",class="other"} 93
pims_http_request_seconds_bucket{route="/metrics",class="other",le="+Inf"} 50
pims_http_request_seconds_sum{route="/metrics",class="other"} 99
pims_http_request_seconds_count{route="/metrics",class="other"} 50
# TYPE pims_http_sent_bytes_total counter
pims_http_sent_bytes_total{route="/image/{p...}/info"} 2e+07
# TYPE pims_store_operations_total counter
pims_store_operations_total{operation="read",store="slides"} 1000
pims_store_operations_total{operation="stat",store="slides"} 20
pims_store_operations_total{operation="list",store="uploads"} 3
pims_store_operations_total{operation="write",store="slides"} 5
`

func TestMetricsBecomeCounters(t *testing.T) {
	for name, row := range map[string]struct {
		d    Deployment
		want Counters
	}{
		// 4 s × 512/1024 GB; 1100 × 1000 bytes of log.
		"function URL": {Deployment{Front: FunctionURL, MemoryMB: 512, LogBytes: 1000}, Counters{Tiles: 1000, Items: map[string]float64{
			"function_requests": 1100, "function_gb_seconds": 2, "s3_gets": 1020, "s3_puts": 8, "log_gb": 0.0011, "transfer_gb": 0.02}}},
		"API gateway": {Deployment{Front: APIGateway, MemoryMB: 1024}, Counters{Tiles: 1000, Items: map[string]float64{
			"function_requests": 1100, "function_gb_seconds": 4, "s3_gets": 1020, "s3_puts": 8, "log_gb": 0, "api_requests": 1100, "transfer_gb": 0.02}}},
		// The server saw the fifth of the requests that the CDN did not answer.
		"CDN": {Deployment{Front: CDN, CDNHits: 0.8, MemoryMB: 1024}, Counters{Tiles: 5000, Items: map[string]float64{
			"function_requests": 1100, "function_gb_seconds": 4, "s3_gets": 1020, "s3_puts": 8, "log_gb": 0, "cdn_requests": 5500, "cdn_gb": 0.1}}},
	} {
		got, err := Scrape(strings.NewReader(page), row.d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNoPageOfMetricsIsTold(t *testing.T) {
	good := Deployment{Front: FunctionURL, MemoryMB: 1024}
	for name, text := range map[string]string{"HTML": "<html>", "another's": "# TYPE up gauge\nup 1\n", "empty": ""} {
		if _, err := Scrape(strings.NewReader(text), good); fault.CodeOf(err) != "cost-metrics" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, d := range []Deployment{
		{}, {Front: CDN, CDNHits: 1, MemoryMB: 1}, {Front: APIGateway, CDNHits: 0.5, MemoryMB: 1}, {Front: FunctionURL},
		{Front: FunctionURL, MemoryMB: 1, LogBytes: -1}, {Front: FunctionURL, MemoryMB: math.NaN()},
	} {
		if _, err := Scrape(strings.NewReader(page), d); fault.CodeOf(err) != "cost-deployment" {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

func TestFilesAreReadStrictly(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c, err := ReadCounters(write("tiles: 10\ns3_gets: 20\n"))
	if err != nil || c.Tiles != 10 || c.Items["s3_gets"] != 20 {
		t.Errorf("YAML: %+v, %v", c, err)
	}
	if c, err = ReadCounters(write(`{"tiles": 10, "s3_gets": 20}`)); err != nil || c.Items["s3_gets"] != 20 {
		t.Errorf("JSON: %+v, %v", c, err)
	}
	for _, text := range []string{"s3_get: 1", "s3_gets: -1", "s3_gets: .inf", "tiles: .nan", "tiles: many", "- 1", strings.Repeat(" ", maxFileBytes+1)} {
		if _, err := ReadCounters(write(text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("counters %.20q: %v", text, err)
		}
	}
	for _, text := range []string{
		"prices: {s3_gets: {price: 1, per: 1}}", "currency: EUR", "currency: EUR\nprices: {s3_gets: {price: 1}}",
		"currency: EUR\nprices: {s3_gets: {price: -1, per: 1}}", "currency: EUR\nprices: {s3_get: {price: 1, per: 1}}", "curency: EUR",
	} {
		if _, err := ReadPrices(write(text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("prices %q: %v", text, err)
		}
	}
	if p, err := ReadPrices(write("currency: EUR\nprices: {s3_gets: {price: 1, per: 1000}}")); err != nil || p.Example {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := ReadPrices(filepath.Join(t.TempDir(), "none")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a file that is not there: %v", err)
	}
}
