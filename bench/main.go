// Command bench measures how fast tiles are answered, next to a net/http handler
// that writes the same bytes from memory and to Go's file server, what each step
// costs, and what is held in memory, on this machine, in one run.
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
	soakTiles := flag.Int("soak", 0, "ask for so many random tiles of -slides slides instead, and print the memory held, for example 200000")
	soakSlides := flag.Int("slides", 500, "slides of -soak")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *each, *soakTiles, *soakSlides); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, each time.Duration, soakTiles, soakSlides int) error {
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
	if soakTiles > 0 {
		return soak(ctx, s, work, soakTiles, soakSlides)
	}
	if err := throughput(ctx, s, rounds, each); err != nil {
		return err
	}
	if err := steps(ctx, s); err != nil {
		return err
	}
	if err := rendered(ctx, s); err != nil {
		return err
	}
	return memory(ctx, s, work)
}
