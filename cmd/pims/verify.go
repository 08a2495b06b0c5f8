package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/slide"
)

type verifyCommand struct {
	ID   string `arg:"" help:"Id of a slide, upload-<uuid>, or its path."`
	Full bool   `help:"Decode every tile rather than a sample."`
	JSON bool   `help:"One JSON document instead of text."`
}

// Run checks one slide; the exit code is 1 when something is wrong with it.
func (c verifyCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	id, _, err := slide.PathID(c.ID)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Quiet: true})
	if err != nil {
		return err
	}
	defer t.closing(a)
	bar := newBar(t, string(id), !c.JSON)
	found, err := a.Importer.Verify(ctx, id, c.Full, func(progress float64) {
		_ = bar.Set(int(progress * barSteps)) // a bar that can not be drawn is no reason to stop
	})
	_ = bar.Exit()
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.out).Encode(found)
	} else {
		_, err = fmt.Fprintf(t.out, "%s: %d tiles located, %d decoded, %d skipped, %d blank, %d problems\n",
			found.Path, found.Tiles, found.Decoded, found.Skipped, found.Blank, int64(len(found.Problems))+found.MoreProblems)
		for _, p := range found.Problems {
			fmt.Fprintf(t.out, "  %s: %s\n", p.Code, p.Detail)
		}
	}
	if err != nil || found.OK() {
		return err
	}
	return errSilent
}

// barSteps is the resolution of progress bars.
const barSteps = 1000

// newBar draws on a terminal only: in a pipe it would be thousands of lines.
func newBar(t terminal, name string, wanted bool) *progressbar.ProgressBar {
	f, isFile := t.err.(*os.File)
	visible := wanted && isFile && term.IsTerminal(int(f.Fd()))
	return progressbar.NewOptions(barSteps,
		progressbar.OptionSetWriter(t.err), progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(name), progressbar.OptionSetWidth(30),
		progressbar.OptionOnCompletion(func() {
			if visible {
				fmt.Fprintln(t.err)
			}
		}))
}
