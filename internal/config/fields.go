package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/pims-cloud/pims/fault"
)

// field is one setting: a struct field with an env tag, somewhere in a Config.
type field struct {
	name  string // of the variable
	def   string
	desc  string
	typ   reflect.StructField
	value reflect.Value // addressable
}

func (f field) secret() bool { return f.typ.Tag.Get("secret") == "true" }

// validator is a struct of settings that can be judged on its own.
type validator interface{ Validate() error }

// fieldsOf lists the settings of an addressable struct, depth first in the
// order of declaration.
func fieldsOf(v reflect.Value, prefix string) []field {
	var out []field
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if !t.IsExported() {
			continue
		}
		tag, tagged := t.Tag.Lookup("env")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case tagged && name != "" && name != "-":
			out = append(out, field{
				name: prefix + name, def: t.Tag.Get("envDefault"), desc: t.Tag.Get("desc"),
				typ: t, value: v.Field(i),
			})
		case !tagged && t.Type.Kind() == reflect.Struct:
			out = append(out, fieldsOf(v.Field(i), prefix+t.Tag.Get("envPrefix"))...)
		}
	}
	return out
}

// set parses the field's text, or its default when text is empty. Parsing is
// left to the env package, one field at a time so that an error can be told
// with the name of its variable.
func (f field) set(text string) error {
	tag := fmt.Sprintf(`env:%q`, "V")
	for _, key := range []string{"envSeparator", "envKeyValSeparator", "envLayout"} {
		if v, ok := f.typ.Tag.Lookup(key); ok {
			tag += fmt.Sprintf(" %s:%q", key, v)
		}
	}
	if text == "" {
		text = f.def
	}
	box := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "V", Type: f.typ.Type, Tag: reflect.StructTag(tag)},
	}))
	opts := env.Options{Environment: map[string]string{"V": text}}
	if text == "" {
		opts.Environment = map[string]string{}
	}
	if err := env.ParseWithOptions(box.Interface(), opts); err != nil {
		return err
	}
	f.value.Set(box.Elem().Field(0))
	return nil
}

// bad is the error for a text that set refused.
func (f field) bad(text string, cause error) error {
	shown := fmt.Sprintf("%q", text)
	if f.secret() {
		shown = "a secret value"
	}
	return fault.New(fault.Invalid, "config-value", "%s is %s: %s", f.name, shown, f.expected(cause)).Because(cause)
}

// expected says what the field takes. Types that parse themselves say it in
// their error; for the others it follows from the Go type.
func (f field) expected(cause error) string {
	if _, ok := f.value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return innermost(cause)
	}
	t := f.typ.Type
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "expected a time such as 500ms, 30s or 5m"
	case t.Kind() == reflect.Bool:
		return "expected true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return "expected a whole number"
	case t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64:
		return "expected a whole number, not negative"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "expected a number"
	default:
		return innermost(cause)
	}
}

func innermost(err error) string {
	for {
		var aggregate env.AggregateError
		var parse env.ParseError
		switch {
		case errors.As(err, &aggregate) && len(aggregate.Errors) > 0:
			err = aggregate.Errors[0]
		case errors.As(err, &parse) && parse.Err != nil:
			err = parse.Err
		default:
			return err.Error()
		}
		// An aggregate that holds itself would loop; neither type can.
		if errors.As(err, &aggregate) || errors.As(err, &parse) {
			continue
		}
		return err.Error()
	}
}

// validate asks every struct of settings, outermost first, and gives all
// answers. A struct inside another is asked too, so that composing packages
// need not forward; the same sentence is told once.
func validate(v reflect.Value) []error {
	var out []error
	if judge, ok := v.Addr().Interface().(validator); ok {
		out = append(out, flatten(judge.Validate())...)
	}
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if _, tagged := t.Tag.Lookup("env"); t.IsExported() && !tagged && t.Type.Kind() == reflect.Struct {
			out = append(out, validate(v.Field(i))...)
		}
	}
	return out
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}
