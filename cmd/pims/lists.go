package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/pims-cloud/pims/internal/app"
)

type versionCommand struct{}

// Run prints the version, the commit it was built from and the compiler.
func (versionCommand) Run(t terminal) error {
	revision := "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(t.out, "pims %s (%s, %s, %s/%s)\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

type configCommand struct {
	JSON bool `help:"One JSON document instead of a table."`
}

// Run prints the settings in force; secrets are masked.
func (c configCommand) Run(t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	rows := cfg.Table()
	if c.JSON {
		return t.json(rows)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVALUE\tDEFAULT\tFROM\tMEANING")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Value, r.Default, r.Origin, r.Meaning)
	}
	return w.Flush()
}

type formatsCommand struct {
	JSON bool `help:"One JSON document instead of a table."`
}

// Run prints the formats in resolution order.
func (c formatsCommand) Run(t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	registry, err := app.Registry(cfg)
	if err != nil {
		return err
	}
	type row struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		MediaType  string `json:"mediaType"`
		Plugin     string `json:"plugin"`
		Importable bool   `json:"importable"`
		Remarks    string `json:"remarks,omitempty"`
	}
	var rows []row
	for _, f := range registry.Formats() {
		i := f.Info()
		rows = append(rows, row{i.ID, i.Name, i.MediaType, i.Plugin, i.Importable, i.Remarks})
	}
	if c.JSON {
		return t.json(rows)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tMEDIA TYPE\tPLUGIN\tREMARKS")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, r.MediaType, r.Plugin, r.Remarks)
	}
	return w.Flush()
}
