package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// outcome is what is told of one file, and one line of --json.
type outcome struct {
	File    string  `json:"file"`
	ID      string  `json:"id"`
	Path    string  `json:"path"`
	Format  string  `json:"format"`
	State   string  `json:"state"`
	Error   string  `json:"error"`
	Seconds float64 `json:"seconds"`
}

// forEach does something with one target after the other and shows what each
// came to: as a line of JSON at once, or in a table at the end. A target that
// failed does not stop the others, but makes the exit code 1; an error of do does.
func forEach(t terminal, asJSON bool, targets []string, do func(target string) (outcome, error)) error {
	var outcomes []outcome
	failed := 0
	for _, target := range targets {
		o, err := do(target)
		if err != nil {
			return err
		}
		if o.Error != "" {
			failed++
		}
		if asJSON {
			if err := json.NewEncoder(t.out).Encode(o); err != nil {
				return err
			}
		}
		outcomes = append(outcomes, o)
	}
	if !asJSON {
		if err := table(t, outcomes); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errSilent
	}
	return nil
}

func table(t terminal, outcomes []outcome) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tSTATE\tFORMAT\tSECONDS\tPATH OR REASON")
	for _, o := range outcomes {
		last := o.Path
		if o.Error != "" {
			last = o.Error
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%s\n", o.File, o.State, o.Format, o.Seconds, last)
	}
	return w.Flush()
}
