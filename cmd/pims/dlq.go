package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/queue"
)

type dlqCommand struct {
	List    dlqListCommand    `cmd:"" help:"Show the messages that were given up, with the reason."`
	Redrive dlqRedriveCommand `cmd:"" help:"Let messages that were given up wait in their queue again."`
}

// whose says which queue's dead letters are meant.
type whose struct {
	Queue string `help:"Whose dead letters: import or convert." enum:"import,convert" default:"import"`
}

// deadLetters opens the queue and runs do on its dead letters.
func (w whose) deadLetters(ctx context.Context, t terminal, do func(queue.DeadLetters) error) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Quiet: true, Queue: true})
	if err != nil {
		return err
	}
	defer t.closing(a)
	q := a.Queue
	if w.Queue == app.QueueConvert {
		q = a.Convert
	}
	letters, ok := q.(queue.DeadLetters)
	if !ok {
		return fault.New(fault.Unsupported, "no-dead-letters", "There is no %s queue with dead letters: set QUEUE_URL or QUEUE_CONVERT_URL.", w.Queue)
	}
	return do(letters)
}

type dlqListCommand struct {
	whose
	Max  int  `help:"How many at most." default:"100"`
	JSON bool `help:"Print one JSON object a line."`
}

// letterJSON is a dead letter for programs.
type letterJSON struct {
	ID       string     `json:"id"`
	SentAt   *time.Time `json:"sentAt,omitempty"`
	BuriedAt *time.Time `json:"buriedAt,omitempty"`
	Attempts int        `json:"attempts,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Body     string     `json:"body"`
}

// Run prints the dead letters and leaves them where they are.
func (c dlqListCommand) Run(ctx context.Context, t terminal) error {
	return c.deadLetters(ctx, t, func(d queue.DeadLetters) error {
		letters, err := d.DeadLetters(ctx, c.Max)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t, letters)
		}
		if len(letters) == 0 {
			fmt.Fprintln(t.out, "no dead letters")
			return nil
		}
		table := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tSENT\tREASON\tMESSAGE")
		for _, l := range letters {
			reason := l.Reason
			if reason == "" {
				reason = fmt.Sprintf("delivered %d times and never acknowledged", l.Attempts)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.ID, l.SentAt.UTC().Format(time.RFC3339), oneLine(reason), oneLine(string(l.Body)))
		}
		return table.Flush()
	})
}

func printJSON(t terminal, letters []queue.DeadLetter) error {
	out := json.NewEncoder(t.out)
	out.SetEscapeHTML(false)
	for _, l := range letters {
		row := letterJSON{ID: l.ID, Attempts: l.Attempts, Reason: l.Reason, Body: string(l.Body)}
		if !l.SentAt.IsZero() {
			row.SentAt = &l.SentAt
		}
		if !l.BuriedAt.IsZero() {
			row.BuriedAt = &l.BuriedAt
		}
		if err := out.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

// oneLineBytes is how much of a message a table shows.
const oneLineBytes = 120

// oneLine shows text from anywhere: no line breaks, nothing that a terminal
// takes for a command, and not all of it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	if len(s) > oneLineBytes {
		s = strings.ToValidUTF8(s[:oneLineBytes], "") + "…"
	}
	return s
}

type dlqRedriveCommand struct {
	whose
	IDs []string `arg:"" optional:"" name:"id" help:"Ids as pims dlq list shows them."`
	All bool     `help:"All of them."`
}

// Run moves dead letters back and tells how many.
func (c dlqRedriveCommand) Run(ctx context.Context, t terminal) error {
	if c.All == (len(c.IDs) > 0) {
		return fault.New(fault.Invalid, "dlq-which", "Name the messages to redrive, or give --all.")
	}
	return c.deadLetters(ctx, t, func(d queue.DeadLetters) error {
		n, err := d.Redrive(ctx, c.IDs...)
		fmt.Fprintf(t.out, "%d messages wait again\n", n)
		return err
	})
}
