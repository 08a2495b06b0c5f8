package objectstore

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
)

// MaxKeyBytes is S3's bound on the length of a key.
const MaxKeyBytes = 1024

// ReservedPrefix begins path elements that drivers keep for themselves.
const ReservedPrefix = ".pims-"

// CheckKey reports, as kind Invalid, why key can not name an object: it must be
// valid UTF-8 of 1 to MaxKeyBytes bytes without control characters, of elements
// separated by "/" that are neither empty (so no "/" at the start or end) nor
// "." nor ".." and do not begin with ReservedPrefix.
func CheckKey(key string) error {
	if why := keyDefect(key); why != "" {
		return fault.New(fault.Invalid, "store-key", "The key %.80q %s.", key, why)
	}
	return nil
}

// keyDefect completes the sentence "the key …"; "" when nothing is wrong.
func keyDefect(key string) string {
	switch {
	case key == "":
		return "is empty"
	case len(key) > MaxKeyBytes:
		return "is longer than 1024 bytes"
	case !utf8.ValidString(key):
		return "is not valid UTF-8"
	case strings.ContainsFunc(key, unicode.IsControl):
		return "has a control character"
	}
	for element := range strings.SplitSeq(key, "/") {
		switch {
		case element == "":
			return "has an empty path element"
		case element == "." || element == "..":
			return "has the path element " + element
		case strings.HasPrefix(element, ReservedPrefix):
			return "has a path element that begins with " + ReservedPrefix + ", which is reserved"
		}
	}
	return ""
}

// checkPrefix reports why prefix can not be the start of a key.
func checkPrefix(prefix string) error {
	whole := strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return nil
	}
	// A prefix may end anywhere, also in what would be "..": "a/.." is the
	// start of "a/..b".
	if last := whole[strings.LastIndexByte(whole, '/')+1:]; whole == prefix && (last == "." || last == "..") {
		whole += "x"
	}
	if why := keyDefect(whole); why != "" {
		return fault.New(fault.Invalid, "store-key", "The prefix %.80q %s.", prefix, why)
	}
	return nil
}
