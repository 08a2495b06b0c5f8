package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/cost"
)

type costCommand struct {
	Metrics  string `help:"Address of a running server's metrics, such as http://127.0.0.1:5000/metrics." placeholder:"URL" xor:"from"`
	Counters string `help:"File of counters, YAML or JSON, instead of a server." placeholder:"FILE" xor:"from"`
	Prices   string `help:"File of prices, YAML or JSON; without it, examples that are embedded." placeholder:"FILE"`

	Front    string  `help:"With --metrics: what stands before the functions, url, api or cdn." default:"url"`
	CDNHits  float64 `help:"With --metrics: share of requests that the CDN answers itself, 0 to below 1." default:"0"`
	Memory   float64 `help:"With --metrics: memory of a function in MB." default:"1024"`
	LogBytes float64 `help:"With --metrics: bytes logged for one invocation." default:"1300"`

	JSON  bool `help:"One JSON document instead of a table."`
	Items bool `help:"List what counters and prices can name, and stop."`
}

// Bounds of the page of metrics.
const (
	metricsPatience = 10 * time.Second
	maxMetricsBytes = 16 << 20
)

// Run multiplies counters with prices.
func (c costCommand) Run(ctx context.Context, t terminal) error {
	if c.Items {
		return c.list(t)
	}
	counters, err := c.counters(ctx)
	if err != nil {
		return err
	}
	prices, err := cost.Examples()
	if c.Prices != "" {
		prices, err = cost.ReadPrices(c.Prices)
	}
	if err != nil {
		return err
	}
	bill, err := cost.Of(counters, prices)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(bill)
	}
	return bill.Print(t.out)
}

func (c costCommand) list(t terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ITEM\tUNIT\tWHAT")
	for _, i := range cost.Items() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", i.Key, i.Unit, i.What)
	}
	return w.Flush()
}

func (c costCommand) counters(ctx context.Context) (cost.Counters, error) {
	if c.Counters != "" {
		return cost.ReadCounters(c.Counters)
	}
	if c.Metrics == "" {
		return cost.Counters{}, fault.New(fault.Invalid, "cost-of-what",
			"There is nothing to count: expected --metrics with the address of a server's /metrics, or --counters with a file.")
	}
	unreachable := func(why string, err error) error {
		return fault.New(fault.Busy, "cost-metrics", "%s gives no metrics (%s): expected the address of a running server's /metrics.", c.Metrics, why).Because(err)
	}
	ctx, cancel := context.WithTimeout(ctx, metricsPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Metrics, nil)
	if err != nil {
		return cost.Counters{}, unreachable("it is no address", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return cost.Counters{}, unreachable("there is no answer", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return cost.Counters{}, unreachable(response.Status, nil)
	}
	return cost.Scrape(io.LimitReader(response.Body, maxMetricsBytes), cost.Deployment{
		Front: cost.Front(c.Front), CDNHits: c.CDNHits, MemoryMB: c.Memory, LogBytes: c.LogBytes,
	})
}
