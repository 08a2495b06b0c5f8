package app

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/importer/watch"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/connect"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/queue/sqs"
)

func (a *App) openStores(ctx context.Context, _ Options) (err error) {
	c := a.Config.Store
	if a.Slides, err = connect.Open(ctx, c.SlidesURL, c); err != nil {
		return err
	}
	if a.Uploads, err = connect.Open(ctx, c.UploadsURL, c); err != nil {
		return err
	}
	root, err := dir.Open(string(filepath.Separator))
	if err != nil {
		return err
	}
	a.machine = objectstore.New(objectstore.Standard(root, c))
	return nil
}

// file gives a file of this machine as an object, for imports from and in
// place. Only the command line names such files; no request does.
func (a *App) file(path string) (*objectstore.Store, string, error) {
	clean := filepath.Clean(path)
	if !filepath.IsAbs(clean) {
		return nil, "", fault.New(fault.Invalid, "file-path", "%q is not an absolute path.", path)
	}
	return a.machine, strings.TrimPrefix(filepath.ToSlash(clean), "/"), nil
}

func (a *App) openQueue(ctx context.Context, o Options) (err error) {
	if err := a.openConvertQueue(ctx, o); err != nil || !o.Queue {
		return err
	}
	folder, isLocal := a.Config.Queue.Local()
	if !isLocal {
		a.Queue, err = sqs.Open(ctx, a.Config.Queue.URL, a.Config.SQS)
		return err
	}
	q, err := local.Open(folder, local.Config{Log: a.Logs.For("queue")})
	if err != nil {
		return err
	}
	a.Queue = q
	a.closers = append(a.closers, q.Close)
	return nil
}

// openConvertQueue opens the queue of conversions. A process that works on no
// local queue converts what it imports itself; a function sends to SQS.
func (a *App) openConvertQueue(ctx context.Context, o Options) error {
	if url := a.Config.Queue.LargeURL; url != "" {
		q, err := sqs.Open(ctx, url, a.Config.SQS)
		if err != nil {
			return err
		}
		a.larger = q
	}
	folder, url := a.Config.Queue.Convert()
	switch {
	case url != "":
		q, err := sqs.Open(ctx, url, a.Config.SQS)
		if err != nil {
			return err
		}
		a.Convert = q
	case folder != "" && o.Queue:
		q, err := local.Open(folder, local.Config{Log: a.Logs.For("queue")})
		if err != nil {
			return err
		}
		a.Convert = q
		a.closers = append(a.closers, q.Close)
	}
	return nil
}

// watcher watches the uploads folder; nil when uploads lie elsewhere: buckets
// send events.
func (a *App) watcher() *watch.Watcher {
	location, err := objectstore.ParseURL(a.Config.Store.UploadsURL)
	if err != nil || location.Scheme != objectstore.SchemeFile {
		return nil
	}
	return &watch.Watcher{
		Folder: location.Path, Uploads: a.Uploads, Config: a.Config.Watch, Log: a.Logs.For("import"),
		Enqueue: func(ctx context.Context, job importer.Job) error {
			_, err := a.Importer.Enqueue(ctx, a.Queue, job)
			return err
		},
	}
}
