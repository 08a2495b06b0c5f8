package telemetry

import (
	"bytes"
	"errors"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/pims-cloud/pims/fault"
)

// maxFileBytes bounds LOG_CONFIG_FILE.
const maxFileBytes = 1 << 20

// rule is what a file says about one logger; nil means "as the parent".
type rule struct {
	Level  *Level
	Format *Format
}

// UnmarshalYAML also takes a bare level: "importer: debug".
func (r *rule) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		level := new(Level)
		if err := level.UnmarshalText([]byte(node.Value)); err != nil {
			return badNode(node, err)
		}
		r.Level = level
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return badNode(node, errors.New("expected a level, or level and format"))
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, text := node.Content[i].Value, node.Content[i+1]
		var err error
		switch key {
		case "level":
			r.Level = new(Level)
			err = r.Level.UnmarshalText([]byte(text.Value))
		case "format":
			r.Format = new(Format)
			err = r.Format.UnmarshalText([]byte(text.Value))
		case "handlers", "propagate", "qualname": // Python's logging configuration has these beside the level
		default:
			err = errors.New("expected level or format")
			text = node.Content[i]
		}
		if err != nil {
			return badNode(text, err)
		}
	}
	return nil
}

func badNode(node *yaml.Node, err error) error {
	return fault.New(fault.Invalid, "log-config", "line %d: %q: %v", node.Line, node.Value, err)
}

// file is the content of LOG_CONFIG_FILE.
type file struct {
	Level   *Level          `yaml:"level"`
	Format  *Format         `yaml:"format"`
	Root    rule            `yaml:"root"` // the same as level and format, in Python's way
	Loggers map[string]rule `yaml:"loggers"`

	// Accepted from Python's logging configuration and without meaning here.
	Version  yaml.Node `yaml:"version"`
	Disable  yaml.Node `yaml:"disable_existing_loggers"`
	Make     yaml.Node `yaml:"formatters"`
	Filters  yaml.Node `yaml:"filters"`
	Handlers yaml.Node `yaml:"handlers"`
}

func readFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "log-config", "the file can not be opened").Because(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil || len(text) > maxFileBytes {
		return nil, fault.New(fault.Invalid, "log-config", "the file can not be read, or has over %d bytes", maxFileBytes).Because(err)
	}
	return parseFile(text)
}

func parseFile(text []byte) (*file, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	out := &file{}
	switch err := decoder.Decode(out); {
	case errors.Is(err, io.EOF): // an empty file
		return out, nil
	case err != nil:
		var known *fault.Error
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, fault.New(fault.Invalid, "log-config",
			"expected YAML with level, format and loggers (a map of names to a level, or to level and format): %v", err)
	}
	return out, nil
}
