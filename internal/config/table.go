package config

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// Setting is one row of the table of settings.
type Setting struct {
	Name    string `json:"name"`    // of the variable
	Default string `json:"default"` // as it would be written
	Value   string `json:"value"`   // in force now; secrets are masked
	Origin  string `json:"origin"`  // "default", "environment" or "file NAME"
	Meaning string `json:"meaning"`
	Secret  bool   `json:"secret,omitempty"`
}

// sentence ends with a full stop, whether its tag does or not.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimSuffix(text, ".") + "."
}

// masked stands for a secret that is set.
const masked = "********"

// Table lists every setting in the order of declaration. It can be shown to
// anybody: secrets, and passwords inside URLs, are masked.
func (c *Config) Table() []Setting {
	var out []Setting
	for _, f := range fieldsOf(reflect.ValueOf(c).Elem(), "") {
		s := Setting{
			Name: f.name, Default: f.def, Value: textOf(f.value), Origin: c.origins[f.name],
			Meaning: sentence(f.desc), Secret: f.secret(),
		}
		if s.Origin == "" {
			s.Origin = "default"
		}
		s.Value = mask(s.Value, s.Secret)
		out = append(out, s)
	}
	return out
}

// Defaults is the configuration of an empty environment.
func Defaults() (*Config, error) {
	cfg := &Config{origins: map[string]string{}}
	for _, f := range fieldsOf(reflect.ValueOf(cfg).Elem(), "") {
		if err := f.set(""); err != nil {
			return nil, f.bad(f.def, err)
		}
	}
	return cfg, nil
}

// mask hides a secret, or the password of a URL.
func mask(text string, secret bool) string {
	if text == "" {
		return ""
	}
	if secret {
		return masked
	}
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return masked // a URL that can not be read may hold anything
	}
	if _, has := u.User.Password(); !has {
		return text
	}
	u.User = nil
	return strings.Replace(u.String(), "://", "://"+masked+"@", 1)
}

// textOf is a value as it would be written in the environment.
func textOf(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
		return strings.Join(v.Interface().([]string), ",")
	}
	return fmt.Sprint(v.Interface())
}
