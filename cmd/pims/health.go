package main

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config"
)

// healthTimeout bounds how long the server may take to say that it lives.
const healthTimeout = 3 * time.Second

type healthCommand struct{}

// Run asks the server of this machine whether it lives, as a container's health
// check does: exit code 0 when it answers.
func (healthCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	url := pingURL(cfg.Server)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fault.New(fault.Invalid, "health-address", "%s is no address: check HOST, PORT and API_BASE_PATH", url).Because(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return fault.New(fault.Busy, "health-no-answer", "no server answers at %s within %v", url, healthTimeout).Because(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fault.New(fault.Busy, "health-status", "%s answers with status %d, expected 200", url, reply.StatusCode)
	}
	return nil
}

// pingURL is where a server with these settings is reached from its own machine.
func pingURL(s config.Server) string {
	host := s.Host
	switch ip := net.ParseIP(host); {
	case host == "" || ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.Port)) + s.BasePath + "/ping"
}
