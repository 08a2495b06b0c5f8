// Command pims is the whole-slide image service: it serves slides, imports
// them, and shows what is in them. Settings are environment variables; `pims
// config` lists them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// version is set by the linker (make build).
var version = "dev"

// commands is the command line; the settings are not in it (DESIGN §8).
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve slides over HTTP, import what is uploaded."`
	Worker  workerCommand  `cmd:"" help:"Import and convert what the queues hold, without serving."`
	Import  importCommand  `cmd:"" help:"Import files, or folders walked recursively."`
	DLQ     dlqCommand     `cmd:"" help:"Messages that were given up: list, redrive."`
	Upload  uploadCommand  `cmd:"" help:"Send files to a service, in parts straight to its bucket where it has one, and wait until they can be viewed."`
	Grant   grantCommand   `cmd:"" help:"Print a grant for AUTH=signed, made with the first of GRANT_KEYS."`
	Inspect inspectCommand `cmd:"" help:"Show the structure of a file or slide, and what would make it slow."`
	Verify  verifyCommand  `cmd:"" help:"Check a slide's index and decode its tiles."`
	Formats formatsCommand `cmd:"" help:"List the formats in the order in which they are asked."`
	Config  configCommand  `cmd:"" help:"List every setting with default, present value and meaning."`
	Health  healthCommand  `cmd:"" help:"Ask the server of this machine whether it lives; for health checks of containers."`
	Cost    costCommand    `cmd:"" help:"Tell what requests cost in the cloud, from counters and prices."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// terminal is what a command talks to; tests put their own in its place.
type terminal struct {
	out, err io.Writer
	environ  []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, environ: os.Environ()})
	stop()
	os.Exit(code)
}

// errSilent ends a command with exit code 1 when everything has been said.
var errSilent = errors.New("")

// run parses and runs one command and gives the exit code: 0 done, 1 failed, 2
// not understood.
func run(ctx context.Context, args []string, t terminal) (code int) {
	var c commands
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("pims"), kong.Description("Whole-slide images from object storage, one range read a tile."),
		kong.UsageOnError(), kong.Writers(t.out, t.err), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		fmt.Fprintln(t.err, "pims:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintln(t.err, "pims:", err)
		return 2
	}
	return t.report(parsed.Run())
}

// report prints an error as its public sentence; the cause is for the log.
func (t terminal) report(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSilent):
		return 1
	case fault.KindOf(err) == fault.Internal:
		fmt.Fprintln(t.err, "pims:", telemetry.WithoutSecrets(err.Error())) // a store may quote what it was asked
	default:
		fmt.Fprintln(t.err, "pims:", fault.Sentence(err))
	}
	return 1
}

// json prints one JSON document.
func (t terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// closing closes what a command opened; a failure then is told, not fatal: the
// work is done.
func (t terminal) closing(c io.Closer) {
	if err := c.Close(); err != nil {
		fmt.Fprintln(t.err, "pims:", err)
	}
}

// settings loads the configuration of the command's environment.
func (t terminal) settings() (*config.Config, error) { return config.Load(t.environ) }
