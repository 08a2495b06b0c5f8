package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/telemetry/prom"
)

type serveCommand struct{}

// Run serves until the process is told to stop, then lets what has begun finish.
func (serveCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Queue: true, Metrics: prom.New()})
	if err != nil {
		return err
	}
	defer t.closing(a)
	listener, err := app.Listen(cfg.Server)
	if err != nil {
		return err
	}
	a.LogStart(ctx)
	printURLs(t, listener.Addr(), cfg.Server.BasePath)
	return a.Serve(ctx, listener)
}

// printURLs tells where to look, on standard output so that logs stay logs.
func printURLs(t terminal, address net.Addr, base string) {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	root := "http://" + net.JoinHostPort(host, port) + strings.TrimSuffix(base, "/")
	fmt.Fprintf(t.out, "\n  slides   %s/\n  API      %s/docs\n  health   %s/ping\n\n", root, root, root)
}

type workerCommand struct {
	Queues []string `help:"The queues to work on: import, convert. Both when not given." enum:"import,convert" sep:","`
}

// Run imports and converts what the queues hold until the process is told to
// stop.
func (c workerCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Queue: true, Metrics: prom.New()})
	if err != nil {
		return err
	}
	defer t.closing(a)
	a.LogStart(ctx)
	return a.Work(ctx, c.Queues...)
}
