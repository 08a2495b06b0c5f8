package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Loggers makes loggers by name, each with the level and format that the
// configuration gives it. It is safe for concurrent use.
type Loggers struct {
	out    io.Writer
	level  slog.Level
	format Format
	rules  map[string]rule
}

// NewLoggers reads the configuration's file, if it names one. Lines are written
// to w, each in one Write, with *** for credentials that something quoted.
func NewLoggers(cfg Config, w io.Writer) (*Loggers, error) {
	l := &Loggers{out: &lockedWriter{w: w}, level: slog.Level(cfg.Level), format: cfg.Format, rules: map[string]rule{}}
	if l.format == "" {
		l.format = Text
	}
	if cfg.File != "" {
		f, err := readFile(cfg.File)
		if err != nil {
			return nil, err
		}
		for _, r := range []rule{f.Root, {Level: f.Level, Format: f.Format}} {
			if r.Level != nil {
				l.level = slog.Level(*r.Level)
			}
			if r.Format != nil {
				l.format = *r.Format
			}
		}
		for name, r := range f.Loggers {
			l.rules[canonical(name)] = r
		}
	}
	if cfg.Debug {
		l.level = slog.LevelDebug
	}
	return l, nil
}

// NewLogger is the logger without a name of NewLoggers.
func NewLogger(cfg Config, w io.Writer) (*slog.Logger, error) {
	loggers, err := NewLoggers(cfg, w)
	if err != nil {
		return nil, err
	}
	return loggers.For(""), nil
}

// canonical is a logger's name without PIMS' leading "pims.": its files keep
// their meaning. "pims" and "root" themselves are the parent of all.
func canonical(name string) string {
	name = strings.ToLower(name)
	if name == "pims" || name == "root" {
		return ""
	}
	return strings.TrimPrefix(name, "pims.")
}

// For gives the logger of a part of the program, such as "importer" or
// "objectstore.s3". What the configuration does not say about a name, it takes
// from the name before the last dot, and at last from the default. Every line
// carries the name, and the request's id when its context has one.
func (l *Loggers) For(name string) *slog.Logger {
	name = canonical(name)
	level, format := l.level, l.format
	var haveLevel, haveFormat bool
	for at := name; ; {
		if r, ok := l.rules[at]; ok {
			if r.Level != nil && !haveLevel {
				level, haveLevel = slog.Level(*r.Level), true
			}
			if r.Format != nil && !haveFormat {
				format, haveFormat = *r.Format, true
			}
		}
		if at == "" {
			break
		}
		if dot := strings.LastIndexByte(at, '.'); dot >= 0 {
			at = at[:dot]
		} else {
			at = ""
		}
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	if format == JSON {
		handler = slog.NewJSONHandler(l.out, options)
	} else {
		handler = slog.NewTextHandler(l.out, options)
	}
	logger := slog.New(requestHandler{handler})
	if name != "" {
		logger = logger.With("logger", name)
	}
	return logger
}

// requestHandler adds the request's id to every record logged with a context.
type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := RequestID(ctx); id != "" {
		record = record.Clone()
		record.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

// lockedWriter keeps lines of different handlers apart, and credentials out.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	line := withoutSecrets(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.w.Write(line); err != nil {
		return 0, err
	}
	return len(p), nil
}
