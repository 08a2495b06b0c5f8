package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config"
)

func load(t *testing.T, environ ...string) *config.Config {
	t.Helper()
	cfg, err := config.LoadIn(t.TempDir(), environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestNoConfigurationAtAllWorks(t *testing.T) {
	cfg := load(t)
	if got, want := cfg.Server.Address(), "127.0.0.1:5000"; got != want {
		t.Errorf("address %q, want %q", got, want)
	}
	if got, want := cfg.Store.SlidesURL, "file:data/slides"; got != want {
		t.Errorf("slides in %q, want %q", got, want)
	}
	defaults, err := config.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(defaults.Table(), cfg.Table()) {
		t.Error("Defaults and an empty environment differ")
	}
}

func TestEveryBadValueIsToldAtOnce(t *testing.T) {
	_, err := config.LoadIn(t.TempDir(), []string{
		"PORT=http", "STORE_URL=ftp://x", "API_BASE_PATH=ims/", "CACHE_ENABLED=perhaps", "GRACEFUL_TIMEOUT=-1", "QUEUE_URL=amqp://x",
	})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("kind %v of %v, want invalid", fault.KindOf(err), err)
	}
	for _, want := range []string{
		`PORT is "http": expected a whole number`,
		`STORE_URL: The store URL "ftp://x" has the unknown scheme`,
		`API_BASE_PATH is "ims/": expected a path`,
		`CACHE_ENABLED is "perhaps": expected true or false`,
		`GRACEFUL_TIMEOUT is "-1": expected seconds`,
		`QUEUE_URL is "amqp://x": expected local:`,
	} {
		if !strings.Contains(fault.Sentence(err), want) {
			t.Errorf("the error does not say %q:\n%s", want, fault.Sentence(err))
		}
	}
	if strings.Count(fault.Sentence(err), "PORT is") != 1 {
		t.Errorf("PORT is told more than once:\n%s", fault.Sentence(err))
	}
}

func TestWorkersListenAtAnAddress(t *testing.T) {
	for value, ok := range map[string]bool{
		"": true, "127.0.0.1:5001": true, ":0": true, "[::1]:65535": true, "5001": false, "host": false, "host:http": false, "host:65536": false,
	} {
		_, err := config.LoadIn(t.TempDir(), []string{"WORKER_LISTEN=" + value})
		if (err == nil) != ok || err != nil && !strings.Contains(fault.Sentence(err), "WORKER_LISTEN is") {
			t.Errorf("WORKER_LISTEN=%s: %v, want it taken: %v", value, err, ok)
		}
	}
}

func TestFileAndEnvironment(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("pims-config.env", "# PIMS writes lower case\nport=5001\nroot=\"/data/pims\"\nhost=0.0.0.0\n")
	write("other.env", "PORT=5002\nport=5003\n")

	t.Run("the default file is read, names in any case", func(t *testing.T) {
		cfg, err := config.LoadIn(folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Server.Port != 5001 || cfg.Store.SlidesURL != "file:///data/pims" {
			t.Errorf("port %d, slides %s", cfg.Server.Port, cfg.Store.SlidesURL)
		}
	})
	t.Run("the environment wins, in any case", func(t *testing.T) {
		cfg, err := config.LoadIn(folder, []string{"Port=6000", "STORE_URL=memory:"})
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Server.Port != 6000 || cfg.Server.Host != "0.0.0.0" || cfg.Store.SlidesURL != "memory:" {
			t.Errorf("%+v %+v", cfg.Server, cfg.Store)
		}
	})
	t.Run("CONFIG_FILE replaces the default file, capitals win", func(t *testing.T) {
		cfg, err := config.LoadIn(folder, []string{"CONFIG_FILE=other.env"})
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Server.Port != 5002 || cfg.Server.Host != "127.0.0.1" {
			t.Errorf("%+v", cfg.Server)
		}
	})
	t.Run("a named file that is missing is an error that names it", func(t *testing.T) {
		_, err := config.LoadIn(folder, []string{"CONFIG_FILE=nowhere.env"})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), `"nowhere.env"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file that is not dotenv is an error that names it", func(t *testing.T) {
		write("bad.env", "this is = 'not\n dotenv")
		_, err := config.LoadIn(folder, []string{"CONFIG_FILE=bad.env"})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), `"bad.env"`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNamesOfPIMSKeepWorking(t *testing.T) {
	cfg := load(t, "root=slides", "PENDING_PATH=/tmp/uploaded", "BIND=0.0.0.0:80", "TASK_QUEUE_URL=rabbitmq:5672")
	if !strings.HasPrefix(cfg.Store.SlidesURL, "file:///") || filepath.Base(cfg.Store.SlidesURL) != "slides" {
		t.Errorf("ROOT gave %s", cfg.Store.SlidesURL)
	}
	if got := cfg.Store.UploadsURL; got != "file:///tmp/uploaded" {
		t.Errorf("PENDING_PATH gave %s", got)
	}
	if got := cfg.Server.Address(); got != "0.0.0.0:80" {
		t.Errorf("BIND gave %s", got)
	}
	if want := []string{"TASK_QUEUE_URL"}; !reflect.DeepEqual(cfg.Ignored, want) {
		t.Errorf("ignored %v, want %v", cfg.Ignored, want)
	}
	if got := load(t, "ROOT=/a", "STORE_URL=file:///b").Store.SlidesURL; got != "file:///b" {
		t.Errorf("STORE_URL must win over ROOT, got %s", got)
	}
}

func TestNestedStoresAreRefused(t *testing.T) {
	for _, pair := range [][2]string{
		{"file:///data", "file:///data"}, {"file:///data", "file:///data/in"}, {"file:///data/x/..", "file:///data/in"},
		{"s3://b", "s3://b/in"}, {"s3://b/slides/", "s3://b/slides"}, {"file:data", "file:./data/uploads"}, {"file:///in/slides", "file:///in"},
	} {
		_, err := config.LoadIn(t.TempDir(), []string{"STORE_URL=" + pair[0], "UPLOADS_URL=" + pair[1]})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "neither lies inside the other") {
			t.Errorf("%v: got %v", pair, err)
		}
	}
	for _, pair := range [][2]string{{"file:///data", "file:///data-in"}, {"s3://b/slides", "s3://b/slides-in"}, {"memory:", "memory:"}} {
		load(t, "STORE_URL="+pair[0], "UPLOADS_URL="+pair[1])
	}
}

func TestSettingsAreDeclaredOnceAndExplained(t *testing.T) {
	cfg := load(t)
	seen := map[string]bool{}
	for _, s := range cfg.Table() {
		if seen[s.Name] {
			t.Errorf("%s is declared twice", s.Name)
		}
		seen[s.Name] = true
		if s.Meaning == "" {
			t.Errorf("%s has no desc tag", s.Name)
		} else if first, _ := utf8.DecodeRuneInString(s.Meaning); !unicode.IsUpper(first) || !strings.HasSuffix(s.Meaning, ".") {
			t.Errorf("%s: %q is no sentence: expected a capital first and a full stop at the end", s.Name, s.Meaning)
		}
		if s.Name != strings.ToUpper(s.Name) {
			t.Errorf("%s is not in capitals", s.Name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("PORT", "5000")
	f.Add("store_url", "s3://bucket/%zz")
	f.Add("CACHE_URL", "redis://user:password@host")
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, name, text string) {
		if strings.EqualFold(name, "CONFIG_FILE") {
			return // would read this machine's files
		}
		cfg, err := config.LoadIn(folder, []string{name + "=" + text})
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid {
				t.Fatalf("kind %v: %v", k, err)
			}
			return
		}
		cfg.Table()
	})
}
