package svs

import (
	"strings"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
)

// Namespace is that of the values in Aperio's description.
const Namespace = "APERIO"

// description is an ImageDescription taken apart:
//
//	Aperio Image Library v11.2.1 \r\n46000x32914 … JPEG/RGB Q=30|AppMag = 20|MPP = 0.4990|…
type description struct {
	text  string
	items []item // in order of first use
}

type item struct {
	key   string
	value any // int64, float64, bool or string
}

// maxItems bounds the list; scanners write about 60.
const maxItems = 4096

// parseDescription never fails: what does not look like Aperio's gives fewer
// items. The first line gives the program and its version, the text up to the
// first "|" the key Description. Of a key that stands there twice the last
// value counts, at the place of the first.
func parseDescription(text string) description {
	d := description{text: text}
	head, tail, _ := strings.Cut(text, "|")
	line, rest, _ := strings.Cut(head, "\n")
	line = strings.TrimSpace(line)
	if at := strings.LastIndexAny(line, " \t"); at > 0 {
		d.set(strings.TrimSpace(line[:at]), line[at+1:])
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		d.set("Description", rest)
	}
	for _, piece := range strings.Split(tail, "|") {
		key, value, ok := strings.Cut(piece, "=")
		if key = strings.TrimSpace(key); ok && key != "" && len(d.items) < maxItems {
			d.set(key, formats.ParseScalar(strings.TrimSpace(value)))
		}
	}
	return d
}

func (d *description) set(key string, value any) {
	for i := range d.items {
		if d.items[i].key == key {
			d.items[i].value = value
			return
		}
	}
	d.items = append(d.items, item{key, value})
}

// number is a positive number, nil when the key is absent or no such.
func (d *description) number(key string) *float64 {
	for _, it := range d.items {
		if it.key != key {
			continue
		}
		switch v := it.value.(type) {
		case int64:
			return positive(float64(v))
		case float64:
			return positive(v)
		}
	}
	return nil
}

func positive(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return &v
}

func (d *description) string(key string) string {
	for _, it := range d.items {
		if text, ok := it.value.(string); ok && it.key == key {
			return text
		}
	}
	return ""
}

// acquiredAt is Date and Time in Aperio's American form, or Date alone in ISO
// 8601; nil when neither is there.
func (d *description) acquiredAt() *time.Time {
	date, clock := d.string("Date"), d.string("Time")
	if at, err := time.Parse("2006-01-02T15:04:05Z", date); err == nil {
		return &at
	}
	return tiffpage.ParseDateTime(date + " " + clock)
}

func (d *description) metadata() []formats.Metadatum {
	out := make([]formats.Metadatum, len(d.items))
	for i, it := range d.items {
		out[i] = formats.Metadatum{Namespace: Namespace, Key: it.key, Value: it.value}
	}
	return out
}
