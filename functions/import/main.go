// Command import is the Lambda function that imports what arrives in the uploads bucket.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/telemetry/emf"
)

// version is set by the linker.
var version = "dev"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "import:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	_, local := cfg.Queue.Local() // a journal in a function would end with it
	a, err := app.New(ctx, cfg, app.Options{Version: version, Metrics: emf.New(cfg.Metrics, os.Stdout), Queue: !local})
	if err != nil {
		return err
	}
	return a.ServeImportFunction()
}
