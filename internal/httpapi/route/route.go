// Package route finds the handler of a request by explicit patterns in a fixed
// order, as PIMS does (pims-api §1.2): an image path is greedy and may contain
// slashes, which net/http's ServeMux can not express in the middle of a
// pattern.
//
// A pattern is a list of path elements: a literal, "{name}" for one element,
// "{name:int}" for an element of digits only, "{name...}" for one or more
// elements, each with an optional literal before and after. The variable "ext"
// may be empty, and may follow digits: "thumb{ext}", "{ti:int}{ext}". Matching sees the path
// percent-decoded once.
package route

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// Vars are the values that the pattern's variables matched. They are few: a list
// is searched as fast as a map, and is made in one piece.
type Vars []Var

// Var is one variable of a pattern and what it matched.
type Var struct{ Name, Value string }

// Lookup is the value of a variable, and whether the pattern has it.
func (v Vars) Lookup(name string) (value string, ok bool) {
	for i := range v {
		if v[i].Name == name {
			return v[i].Value, true
		}
	}
	return "", false
}

// Get is the value of a variable, empty when the pattern does not have it.
func (v Vars) Get(name string) string {
	value, _ := v.Lookup(name)
	return value
}

// Int is the value of a variable of digits, and whether it fits an int.
func (v Vars) Int(name string) (int, bool) {
	n, err := strconv.Atoi(v.Get(name))
	return n, err == nil && n >= 0
}

// Handler answers a request or returns why it can not; it never writes errors.
type Handler func(w http.ResponseWriter, r *http.Request, v Vars) error

// Route is one method and pattern.
type Route struct {
	Method  string
	Pattern string
	Handle  Handler
	// AtOnce tells that Handle may be called in a context in which nothing may
	// wait (package nowait): it then returns an error and writes nothing, unless
	// its answer is in memory.
	AtOnce bool
}

// Table is a list of compiled routes; the first that matches wins. It is
// immutable and safe for concurrent use.
type Table struct{ routes []compiled }

type compiled struct {
	method   string
	pattern  string
	elements []element
	greedy   int // index of the greedy element, -1 when there is none
	anchor   anchor
	handle   Handler
	atOnce   bool
}

// anchor is a literal element of a pattern, counted from the end, or from the
// start when nothing before it is greedy. Comparing it first settles most
// routes that do not fit with one look.
type anchor struct {
	text    string // "" when the pattern has no literal element
	at      int
	fromEnd bool
}

type element struct {
	before, name, after string
	digits, greedy      bool
	mayEnd              bool // the variable may be empty
	ext                 bool // digits are followed by a second variable, "{ext}"
}

// New compiles routes. Patterns are constants of this program, so a malformed
// one is a programming error that every test would meet.
func New(routes ...Route) *Table {
	t := &Table{}
	for _, r := range routes {
		t.routes = append(t.routes, compile(r))
	}
	return t
}

func compile(r Route) compiled {
	c := compiled{method: r.Method, pattern: r.Pattern, handle: r.Handle, greedy: -1, atOnce: r.AtOnce}
	for _, text := range strings.Split(strings.TrimPrefix(r.Pattern, "/"), "/") {
		e := element{before: text}
		if open := strings.IndexByte(text, '{'); open >= 0 {
			shut := strings.IndexByte(text, '}')
			e.before, e.name, e.after = text[:open], text[open+1:shut], text[shut+1:]
		}
		e.name, e.digits = strings.CutSuffix(e.name, ":int")
		e.name, e.greedy = strings.CutSuffix(e.name, "...")
		e.mayEnd = e.name == "ext"
		if e.after == "{ext}" {
			e.after, e.ext = "", true
		}
		if e.greedy {
			c.greedy = len(c.elements)
		}
		c.elements = append(c.elements, e)
	}
	c.anchor = c.findAnchor()
	return c
}

// findAnchor takes the literal element nearest to the end: routes that begin
// alike differ there.
func (c *compiled) findAnchor() anchor {
	for i := len(c.elements) - 1; i >= 0; i-- {
		e := &c.elements[i]
		if e.name != "" || e.before == "" {
			continue
		}
		if i > c.greedy && c.greedy >= 0 {
			return anchor{text: e.before, at: len(c.elements) - i, fromEnd: true}
		}
		return anchor{text: e.before, at: i}
	}
	return anchor{}
}

func (a *anchor) fits(path []string) bool {
	if a.text == "" {
		return true
	}
	at := a.at
	if a.fromEnd {
		at = len(path) - a.at
	}
	return at >= 0 && at < len(path) && path[at] == a.text
}

// Match is a route that a request found.
type Match struct {
	Pattern string // as it was given, for access logs and metrics
	Handle  Handler
	Vars    Vars
	AtOnce  bool // see Route
}

// Find gives the route for a method and a decoded path. HEAD is answered by
// GET's handler. The error is a 405 with the methods that the path has, or a
// 404.
func (t *Table) Find(method, path string) (Match, error) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path = strings.TrimPrefix(path, "/")
	var buffer [24]string // of deeper paths, the rest goes to the heap
	elements := buffer[:0]
	for rest, more := path, true; more; {
		var element string
		element, rest, more = strings.Cut(rest, "/")
		elements = append(elements, element)
	}
	var matched [8]Var // likewise
	var allow []string
	for i := range t.routes {
		c := &t.routes[i]
		if !c.anchor.fits(elements) {
			continue
		}
		vars, ok := c.match(path, elements, matched[:0])
		if !ok {
			continue
		}
		if c.method == method {
			return Match{Pattern: c.pattern, Handle: c.handle, Vars: append(Vars(nil), vars...), AtOnce: c.atOnce}, nil
		}
		if !slices.Contains(allow, c.method) {
			allow = append(allow, c.method)
		}
	}
	if allow == nil {
		return Match{}, problem.RouteNotFound()
	}
	if slices.Contains(allow, http.MethodGet) {
		allow = append(allow, http.MethodHead)
	}
	slices.Sort(allow)
	return Match{}, problem.MethodNotAllowed(strings.Join(allow, ", "))
}

// match appends the variables of a path, which elements are of, and tells whether
// it fits.
func (c *compiled) match(path string, elements []string, vars Vars) (Vars, bool) {
	spare := len(elements) - len(c.elements)
	if spare < 0 || (spare > 0 && c.greedy < 0) {
		return vars, false
	}
	at, ok := 0, false
	for i := range c.elements {
		text := elements[at]
		at++
		if i == c.greedy && spare > 0 {
			text = joined(path, elements, at-1, at+spare)
			at += spare
		}
		if vars, ok = c.elements[i].match(text, vars); !ok {
			return vars, false
		}
	}
	return vars, true
}

// joined is the part of a path that elements low to high (exclusive) are of.
func joined(path string, elements []string, low, high int) string {
	start := 0
	for _, e := range elements[:low] {
		start += len(e) + 1
	}
	end := start - 1
	for _, e := range elements[low:high] {
		end += len(e) + 1
	}
	return path[start:end]
}

// match appends the element's variables and tells whether a text fits.
func (e *element) match(text string, vars Vars) (Vars, bool) {
	rest, ok := strings.CutPrefix(text, e.before)
	if !ok {
		return vars, false
	}
	if e.name == "" {
		return vars, rest == ""
	}
	if e.ext {
		end := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		vars = append(vars, Var{"ext", rest[end:]})
		rest = rest[:end]
	}
	rest, ok = strings.CutSuffix(rest, e.after)
	if !ok || (rest == "" && !e.mayEnd) {
		return vars, false
	}
	if e.digits && strings.Trim(rest, "0123456789") != "" {
		return vars, false
	}
	return append(vars, Var{e.name, rest}), true
}
