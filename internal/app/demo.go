package app

import (
	"context"
	"io"
	"os"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slidegen"
)

// importDemo queues the demonstration slide when DEMO_SLIDE asks for one and
// nothing was ever imported. The picture is drawn, not photographed: no patient
// is in it.
func (a *App) importDemo(ctx context.Context) error {
	if !a.Config.Server.Demo {
		return nil
	}
	for _, err := range a.Catalog.List(ctx) {
		return err // something is there, or the store can not be asked
	}
	file, err := os.CreateTemp("", "pims-demo-*.svs")
	if err != nil {
		return fault.New(fault.Internal, "demo", "The demonstration slide can not be drawn: there is no temporary file.").Because(err)
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }() // a temporary file; nothing depends on it
	if err := a.demo(ctx, file); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	o, err := a.Uploads.Put(ctx, "demo/"+slidegen.DemoName, file, size, objectstore.PutOptions{})
	if err != nil {
		return err
	}
	job := importer.NewJob(importer.Upload{Bucket: a.Uploads.URL(), Key: o.Key, ETag: o.ETag, Size: o.Size}, slidegen.DemoName, false)
	_, err = a.Importer.Enqueue(ctx, a.Queue, job)
	return err
}
