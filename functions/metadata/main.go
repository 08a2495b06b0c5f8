// Command metadata is the Lambda function that answers everything but tiles: information, metadata, uploads and the state of imports.
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
		fmt.Fprintln(os.Stderr, "metadata:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	_, local := cfg.Queue.Local() // a journal in a function would end with it
	a, err := app.New(ctx, cfg, app.Options{Version: version, Queue: !local, Metrics: emf.New(cfg.Metrics, os.Stdout)})
	if err != nil {
		return err
	}
	a.ServeHTTPFunction()
	return nil
}
