package telemetry

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// Level is the least severity that a logger writes. The names of PIMS (Python's)
// are read as well.
type Level slog.Level

// UnmarshalText reads debug, info, warning (or warn), error (or critical), in
// any case.
func (l *Level) UnmarshalText(text []byte) error {
	switch strings.ToLower(strings.TrimSpace(string(text))) {
	case "debug", "trace":
		*l = Level(slog.LevelDebug)
	case "info", "notset":
		*l = Level(slog.LevelInfo)
	case "warn", "warning":
		*l = Level(slog.LevelWarn)
	case "error", "critical", "fatal":
		*l = Level(slog.LevelError)
	default:
		return errors.New("expected debug, info, warning or error")
	}
	return nil
}

// MarshalText is the name that UnmarshalText reads back.
func (l Level) MarshalText() ([]byte, error) {
	switch s := slog.Level(l); {
	case s < slog.LevelInfo:
		return []byte("debug"), nil
	case s < slog.LevelWarn:
		return []byte("info"), nil
	case s < slog.LevelError:
		return []byte("warning"), nil
	default:
		return []byte("error"), nil
	}
}

// Format is how a record is written.
type Format string

// The formats.
const (
	Text Format = "text" // key=value, for people
	JSON Format = "json" // one object a line, for machines
)

// UnmarshalText reads text or json.
func (f *Format) UnmarshalText(text []byte) error {
	switch v := Format(strings.ToLower(strings.TrimSpace(string(text)))); v {
	case Text, JSON:
		*f = v
		return nil
	default:
		return errors.New("expected text or json")
	}
}

// Config says what is logged, and how.
type Config struct {
	Level  Level  `env:"LOG_LEVEL" envDefault:"info" desc:"Least severity that is logged: debug, info, warning or error."`
	Format Format `env:"LOG_FORMAT" envDefault:"text" desc:"How log lines are written: text (key=value) or json (one object a line)."`
	// File is read by NewLoggers.
	File string `env:"LOG_CONFIG_FILE" desc:"YAML file with level and format per logger name; wins over LOG_LEVEL and LOG_FORMAT for the loggers it names."`
	// Debug also switches /debug/pprof/ on.
	Debug bool `env:"DEBUG" envDefault:"false" desc:"Log at debug level and serve Go profiles below /debug/pprof/. Not for a public address."`
}

// Validate reads File, so that a wrong one is told with the other settings.
func (c Config) Validate() error {
	if c.File == "" {
		return nil
	}
	if _, err := readFile(c.File); err != nil {
		return fault.New(fault.Invalid, "config-value", "LOG_CONFIG_FILE is %q: %s", c.File, fault.Sentence(err)).Because(err)
	}
	return nil
}
