package functions_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/cost"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// measured adds up the metrics that a function wrote among its log lines, as soon
// as one of them has come to want: the log arrives by a pipe.
func measured(t *testing.T, f *runtimetest.Function, metric telemetry.Instrument, want float64) map[string]float64 {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		sums := sum(t, f)
		if sums[metric.Definition().CloudWatch] >= want || time.Now().After(deadline) {
			return sums
		}
		<-time.After(10 * time.Millisecond)
	}
}

func sum(t *testing.T, f *runtimetest.Function) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for _, text := range strings.Split(f.Log(), "\n") {
		if !strings.Contains(text, `"_aws"`) {
			continue
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("a line of metrics is no JSON: %v: %s", err, text)
		}
		for _, d := range telemetry.Instruments() {
			switch v := line[d.CloudWatch].(type) {
			case float64:
				sums[d.CloudWatch] += v
			case []any:
				for _, one := range v {
					sums[d.CloudWatch] += one.(float64)
				}
			}
		}
	}
	return sums
}

// TestCostOfTiles asks real functions for tiles and makes a bill of what they
// counted; go test -v shows it (make bench-cloud).
func TestCostOfTiles(t *testing.T) {
	t.Run("own SVS", func(t *testing.T) { bill(t, ownSVS(t)) })
	t.Run("real SVS", func(t *testing.T) { bill(t, testfiles.Shared(t, "svs/CMU-1-Small-Region.svs")) })
}

func bill(t *testing.T, path string) {
	c := start(t)
	r := c.direct(t, c.put(t, path, "cost.svs"))
	if done := measured(t, c.imports, telemetry.Imports, 1); done["Imports"] != 1 || done["StageTime"] <= 0 || done["ImportTime"] < done["StageTime"]/2 {
		t.Errorf("the import function measured %v", done)
	}
	const asked = 60 // the emulator keeps the log of about so many
	tiles := c.tilesOf(t, r)
	random := rand.New(rand.NewPCG(1, 2))
	for range asked {
		if resp, _ := get(t, tiles[random.IntN(len(tiles))]); resp.StatusCode != http.StatusOK {
			t.Fatalf("a tile is answered with %d", resp.StatusCode)
		}
	}
	sums := measured(t, c.viewed, telemetry.Requests, asked)
	if sums["Requests"] != asked || sums["Failures"] != 0 || sums["CacheHits"] >= asked || sums["SourceReads"] < asked-sums["CacheHits"] ||
		sums["SentBytes"] <= 0 || sums["RequestTime"] <= 0 {
		t.Fatalf("after %d tiles the function measured %v", asked, sums)
	}
	prices, err := cost.Examples()
	if err != nil {
		t.Fatal(err)
	}
	const functionMB = 1024
	total, err := cost.Of(cost.Counters{Tiles: asked, Items: map[string]float64{
		"function_requests":   sums["Requests"],
		"function_gb_seconds": sums["RequestTime"] / 1000 * functionMB / 1024,
		"s3_gets":             sums["SourceReads"],
		"transfer_gb":         sums["SentBytes"] / 1e9,
		"log_gb":              float64(len(c.viewed.Log())) / 1e9,
	}}, prices)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := total.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tiles of %.0f bytes from a function URL: %.2f reads of S3 and %.0f bytes of log each\n\n%s",
		asked, sums["SentBytes"]/asked, sums["SourceReads"]/asked, float64(len(c.viewed.Log()))/asked, table.String())
}

// tilesOf lists the addresses of all stored tiles of a slide.
func (c *cloud) tilesOf(t *testing.T, r report) (tiles []string) {
	t.Helper()
	_, body := get(t, c.metadata+"/image/"+r.Path+"/info")
	var info struct {
		Representations []struct {
			Pyramid struct {
				Tiers []struct {
					Level int `json:"level"`
					Tiles int `json:"n_tiles"`
				} `json:"tiers"`
			} `json:"pyramid"`
		} `json:"representations"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		t.Fatal(err)
	}
	for _, representation := range info.Representations {
		for _, tier := range representation.Pyramid.Tiers {
			for i := range tier.Tiles {
				tiles = append(tiles, fmt.Sprintf("%s/image/%s/tile/level/%d/ti/%d.jpg", c.tiles, r.Path, tier.Level, i))
			}
		}
	}
	if len(tiles) == 0 {
		t.Fatalf("no pyramid in %.300s", body)
	}
	return tiles
}
