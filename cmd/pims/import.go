package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/slide"
)

type importCommand struct {
	Paths   []string `arg:"" name:"path" help:"Files, or folders walked recursively; with --reindex, ids of slides."`
	Copy    bool     `default:"true" negatable:"" help:"Copy into the store; --copy=false registers the files where they are."`
	Reindex bool     `help:"Write new sidecars of slides that are there already."`
	JSON    bool     `help:"One JSON object a line and file instead of bars and a table."`
}

// Run imports one file after the other; a failed one does not stop the others,
// but makes the exit code 1.
func (c importCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Quiet: true})
	if err != nil {
		return err
	}
	defer t.closing(a)

	run, targets := c.importFile, c.Paths
	if c.Reindex {
		run = c.reindex
	} else if targets, err = filesBelow(c.Paths); err != nil {
		return err
	}
	return forEach(t, c.JSON, targets, func(target string) (outcome, error) {
		if err := ctx.Err(); err != nil {
			return outcome{}, err
		}
		return run(ctx, a, target, t), nil
	})
}

func (c importCommand) importFile(ctx context.Context, a *app.App, file string, t terminal) outcome {
	o := outcome{File: file, State: string(importer.StateFailed)}
	start := time.Now()
	job, err := a.FileJob(ctx, file, !c.Copy)
	if err != nil {
		o.Error = fault.Sentence(err)
		return o
	}
	job.Again = true // who names a file again wants it tried again
	return c.follow(ctx, a, job.ID, o, t, start, func() (*importer.Report, error) { return a.Importer.Import(ctx, job) })
}

func (c importCommand) reindex(ctx context.Context, a *app.App, name string, t terminal) outcome {
	o := outcome{File: name, State: string(importer.StateFailed)}
	id, err := slide.ParseID(strings.TrimSuffix(name, "/"))
	if err != nil {
		o.Error = fault.Sentence(err)
		return o
	}
	return c.follow(ctx, a, id, o, t, time.Now(), func() (*importer.Report, error) { return a.Importer.Reindex(ctx, id) })
}

// follow runs an import and shows its progress as a bar while it runs.
func (c importCommand) follow(_ context.Context, a *app.App, id slide.ID, o outcome, t terminal, start time.Time, run func() (*importer.Report, error)) outcome {
	reports, stop := a.Importer.Subscribe(id)
	bar := newBar(t, filepath.Base(o.File), !c.JSON)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		for r := range reports {
			bar.Describe(filepath.Base(o.File) + " " + string(r.State))
			_ = bar.Set(int(r.Progress * barSteps)) // a bar that can not be drawn is no reason to stop
		}
	}()
	report, err := run()
	stop()
	<-shown
	if report != nil {
		o.ID, o.Path, o.Format, o.State = string(report.ID), report.Path, report.Format, string(report.State)
	}
	if err != nil {
		o.Error = fault.Sentence(err)
		bar.Describe(filepath.Base(o.File) + " failed")
	} else {
		_ = bar.Set(barSteps)
	}
	_ = bar.Exit()
	o.Seconds = time.Since(start).Seconds()
	return o
}

// filesBelow lists the files that are named, and all regular files below the
// folders that are named, but for hidden ones.
func filesBelow(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			hidden := at != path && strings.HasPrefix(entry.Name(), ".")
			switch {
			case entry.IsDir() && hidden:
				return filepath.SkipDir
			case entry.IsDir() || hidden:
				return nil
			}
			info, err := os.Stat(at) // follows a link that was named
			if err == nil && info.Mode().IsRegular() {
				files = append(files, at)
			}
			return nil
		})
		if err != nil {
			return nil, fault.New(fault.NotFound, "import-path", "%s can not be read: name a file or folder that exists.", path).Because(err)
		}
	}
	if len(files) == 0 {
		return nil, fault.New(fault.Invalid, "import-nothing", "There is no file to import in %s.", strings.Join(paths, ", "))
	}
	return files, nil
}
