package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/transfer"
)

type uploadCommand struct {
	Paths    []string `arg:"" name:"path" help:"Files, or folders walked recursively."`
	Server   string   `help:"Address of the service, with its base path; else PIMS_URL, else http://127.0.0.1:5000. PIMS_TOKEN is a token or grant for it."`
	Parallel int      `default:"4" help:"How many parts are sent at once."`
	Wait     bool     `default:"true" negatable:"" help:"Wait until each slide can be viewed; --no-wait ends when it is sent."`
	JSON     bool     `help:"One JSON object a line and file instead of bars and a table."`
}

const defaultServer = "http://127.0.0.1:5000"

// Run sends one file after the other; a failed one does not stop the others, but
// makes the exit code 1. Run again, it goes on where it was interrupted.
func (c uploadCommand) Run(ctx context.Context, t terminal) error {
	files, err := filesBelow(c.Paths)
	if err != nil {
		return err
	}
	server := c.Server
	for _, otherwise := range []string{t.variable("PIMS_URL"), defaultServer} {
		if server == "" {
			server = otherwise
		}
	}
	client := transfer.New(server, t.variable("PIMS_TOKEN"), t.stateFolder(), min(max(c.Parallel, 1), 64))
	return forEach(t, c.JSON, files, func(file string) (outcome, error) {
		o := c.send(ctx, client, file, t)
		if ctx.Err() != nil {
			return o, fault.New(fault.Canceled, "upload-interrupted", "Interrupted; run the command again to go on.")
		}
		return o, nil
	})
}

// send sends one file and follows its import, with a bar for each.
func (c uploadCommand) send(ctx context.Context, client *transfer.Client, file string, t terminal) outcome {
	o := outcome{File: file, State: "failed"}
	start := time.Now()
	bar := newBar(t, filepath.Base(file), !c.JSON)
	sent, err := client.Send(ctx, file, func(done, size int64) {
		_ = bar.Set(int(float64(done) / float64(size) * (barSteps - 1))) // a bar that can not be drawn is no reason to stop
	})
	if err == nil {
		o.ID, o.Path, o.State = sent.ID, sent.Path, "queued"
		if sent.Found > 0 {
			fmt.Fprintf(t.err, "%s: %d parts were there already, %d were sent\n", file, sent.Found, sent.Parts)
		}
		if c.Wait {
			err = c.follow(ctx, client, &o, func(r transfer.Report) {
				bar.Describe(filepath.Base(file) + " " + r.State)
			})
		}
	}
	if err != nil {
		o.Error = fault.Sentence(err)
		bar.Describe(filepath.Base(file) + " failed")
	} else {
		_ = bar.Set(barSteps)
	}
	_ = bar.Exit()
	o.Seconds = time.Since(start).Seconds()
	return o
}

func (c uploadCommand) follow(ctx context.Context, client *transfer.Client, o *outcome, tell func(transfer.Report)) error {
	report, err := client.Follow(ctx, o.ID, tell)
	if err != nil {
		return err
	}
	o.State, o.Format = report.State, report.Format
	if report.Path != "" {
		o.Path = report.Path
	}
	if report.Error != nil {
		return fault.New(fault.Invalid, "import-failed", "%s", report.Error.Detail)
	}
	return nil
}

// variable is one of the environment that the command was started with.
func (t terminal) variable(name string) string {
	for i := len(t.environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(t.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// stateFolder is where uploads under way are remembered: XDG_STATE_HOME or its
// default; "" when there is no home.
func (t terminal) stateFolder() string {
	if folder := t.variable("XDG_STATE_HOME"); filepath.IsAbs(folder) {
		return filepath.Join(folder, "pims", "uploads")
	}
	home := t.variable("HOME")
	if home == "" {
		home, _ = os.UserHomeDir() // elsewhere than on Unix
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".local", "state", "pims", "uploads")
}
