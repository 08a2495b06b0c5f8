// Package config composes the settings of all packages and reads them from a
// dotenv file and the environment.
//
// Every package that has settings declares them in a Config struct with the
// tags env (name of the variable), envDefault and desc, and a Validate method;
// this package puts those structs together, so a setting is declared once,
// beside the code that uses it. The environment wins over the file. Names are
// read in any case; an empty value means the default. docs/configuration.md is
// generated from the same tags.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"github.com/pims-cloud/pims/fault"
)

// DefaultFile is the dotenv file that is read from the working directory when
// it is there and CONFIG_FILE names no other. PIMS reads the same name.
const DefaultFile = "pims-config.env"

// maxFileBytes bounds a dotenv file: it holds settings, a few kilobytes.
const maxFileBytes = 1 << 20

// Load reads the settings from the environment ("NAME=value" lines as
// os.Environ gives them) and from the dotenv file, looked for in the working
// directory. The error (kind Invalid) tells everything that is wrong, not only
// the first thing.
func Load(environ []string) (*Config, error) { return LoadIn("", environ) }

// LoadIn is Load with another folder in place of the working directory.
func LoadIn(folder string, environ []string) (*Config, error) {
	values := valuesOf(environ, "environment")
	file, err := readFile(folder, values)
	if err != nil {
		return nil, err
	}
	for name, v := range file {
		if _, set := values[name]; !set {
			values[name] = v
		}
	}
	if folder == "" {
		if folder, err = os.Getwd(); err != nil {
			return nil, fault.New(fault.Internal, "config-working-directory", "the working directory is unknown").Because(err)
		}
	}
	bad := applyAliases(values, folder)

	cfg := &Config{origins: map[string]string{}}
	root := reflect.ValueOf(cfg).Elem()
	for _, f := range fieldsOf(root, "") {
		v := values[f.name]
		if err := f.set(v.text); err != nil {
			bad = append(bad, f.bad(v.text, err))
			// Validate must judge what else is wrong, not this value again.
			if err := f.set(""); err != nil {
				bad = append(bad, f.bad(f.def, err))
			}
			continue
		}
		if v.text != "" {
			cfg.origins[f.name] = v.origin
		}
	}
	cfg.Ignored = ignoredOf(values)
	bad = append(bad, validate(root)...)
	if err := report(bad); err != nil {
		return nil, err
	}
	return cfg, nil
}

// value is the text of a setting and where it was found.
type value struct {
	text   string
	origin string
	exact  bool // the name was written in capitals
}

// valuesOf indexes lines by upper-case name. A name in capitals wins over the
// same name in another case; an empty value counts as not set.
func valuesOf(environ []string, origin string) map[string]value {
	out := make(map[string]value, len(environ))
	for _, line := range environ {
		name, text, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(text) == "" {
			continue
		}
		upper := strings.ToUpper(name)
		if old, seen := out[upper]; seen && old.exact {
			continue
		}
		out[upper] = value{text: text, origin: origin, exact: name == upper}
	}
	return out
}

// readFile reads the dotenv file: the one that CONFIG_FILE names, which must
// exist, or DefaultFile, which need not.
func readFile(folder string, environment map[string]value) (map[string]value, error) {
	name, named := DefaultFile, false
	if v, ok := environment["CONFIG_FILE"]; ok {
		name, named = v.text, true
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !named:
		return nil, nil
	case err != nil:
		return nil, fault.New(fault.Invalid, "config-file",
			"CONFIG_FILE is %q: the file can not be read (%s); name an existing dotenv file, or unset CONFIG_FILE",
			name, reason(err)).Because(err)
	case !info.Mode().IsRegular() || info.Size() > maxFileBytes:
		return nil, fault.New(fault.Invalid, "config-file",
			"CONFIG_FILE is %q: expected a dotenv file of at most %d bytes", name, maxFileBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "config-file", "the configuration file %q can not be read (%s)",
			name, reason(err)).Because(err)
	}
	pairs, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "config-file",
			"the configuration file %q is not in dotenv form (NAME=value lines): %v", name, err).Because(err)
	}
	lines := make([]string, 0, len(pairs))
	for key, text := range pairs {
		lines = append(lines, key+"="+text)
	}
	// Two spellings of one name in one file: the order must not depend on the
	// map's.
	slices.Sort(lines)
	return valuesOf(lines, "file "+name), nil
}

// reason is an error of the file system without the path, which is told already.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// report makes one error of everything that is wrong, each sentence once.
func report(bad []error) error {
	var lines []string
	for _, err := range bad {
		line := fault.Sentence(err)
		if fault.KindOf(err) == fault.Internal && fault.CodeOf(err) == "internal" {
			line = err.Error() // an unclassified error of a Validate is ours to show
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return fault.New(fault.Invalid, "config-invalid", "%s", lines[0]).Because(errors.Join(bad...))
	}
	return fault.New(fault.Invalid, "config-invalid", "%s",
		fmt.Sprintf("%d settings are wrong:\n  %s", len(lines), strings.Join(lines, "\n  ")))
}
