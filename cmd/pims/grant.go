package main

import (
	"fmt"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
)

type grantCommand struct {
	Rights string        `default:"read" help:"Rights with commas between: read, label, export, write, admin."`
	Slides string        `help:"Start of the ids of the slides that it is for; all when not given."`
	For    time.Duration `default:"8h" help:"How long it holds."`
	URL    string        `name:"url" xor:"address" help:"Print this address with the grant in its query instead of the grant alone."`
	Page   string        `xor:"address" help:"Print a link to the web page at this address that signs in with the grant: behind the #, where no server sees it."`
}

// Run prints a grant, made with the first of GRANT_KEYS.
func (c grantCommand) Run(t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	keys, err := access.NewKeys(cfg.Access)
	if err != nil {
		return err
	}
	rights, err := access.ParseRights(c.Rights)
	if err != nil {
		return err
	}
	if c.For < time.Second {
		return fault.New(fault.Invalid, "grant-time", "--for is %s: expected at least 1s.", c.For)
	}
	grant, err := keys.Sign(access.Caller{Rights: rights, Slides: c.Slides, Expires: time.Now().Add(c.For)})
	if err != nil {
		return err
	}
	if c.URL != "" {
		if grant, err = access.InQuery(c.URL, grant); err != nil {
			return err
		}
	}
	if c.Page != "" {
		if grant, err = access.PageLink(c.Page, grant); err != nil {
			return err
		}
	}
	fmt.Fprintln(t.out, grant)
	return nil
}
