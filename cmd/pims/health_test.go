package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/config"
)

func TestHealthAsksTheServerOfTheSettings(t *testing.T) {
	var path string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		w.WriteHeader(status)
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newCLI(t, "HOST=0.0.0.0", "PORT="+port, "API_BASE_PATH=/ims")
	c.must("health")
	if path != "/ims/ping" {
		t.Errorf("asked for %q, want /ims/ping", path)
	}
	status = http.StatusServiceUnavailable
	if code, _, errs := c.run("health"); code != 1 || !strings.Contains(errs, "503") {
		t.Errorf("exit code %d for a server that answers 503, want 1: %s", code, errs)
	}
	server.Close()
	if code, _, errs := c.run("health"); code != 1 || !strings.Contains(errs, "no server answers at http://127.0.0.1:"+port) {
		t.Errorf("exit code %d without a server, want 1: %s", code, errs)
	}
}

func TestHealthAddressOfAnyHost(t *testing.T) {
	for host, want := range map[string]string{
		"": "http://127.0.0.1:80/ping", "0.0.0.0": "http://127.0.0.1:80/ping", "::": "http://[::1]:80/ping",
		"10.1.2.3": "http://10.1.2.3:80/ping", "localhost": "http://localhost:80/ping",
	} {
		if got := pingURL(config.Server{Host: host, Port: 80}); got != want {
			t.Errorf("HOST=%s is asked at %s, want %s", host, got, want)
		}
	}
}
