// Command bench measures how fast tiles are answered, next to Go's own static
// file server with the same bytes, on this machine, in one run.
//
// It draws a slide (or takes one that an earlier run left in testdata/large),
// imports it into a folder store, and measures over loopback sockets with a
// small client whose cost is the same for every server. Every figure is the
// median of interleaved rounds; ratios are taken round by round, because
// shared machines drift.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "interleaved rounds")
	each := flag.Duration("each", time.Second, "how long one server is measured in a round")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, each time.Duration) error {
	work, err := os.MkdirTemp("", "pims-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }() // the system's temporary folder is cleared anyway
	s, err := prepare(ctx, work)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Printf("slide %s, %d tiles, %d passthrough tiles of %d bytes on average\n\n", s.slide.Path(), s.all, len(s.tiles), s.averageBytes)
	if err := throughput(ctx, s, rounds, each); err != nil {
		return err
	}
	return steps(ctx, s)
}
