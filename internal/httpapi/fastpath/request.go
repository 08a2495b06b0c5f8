package fastpath

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// message is a request as it was read, but for its headers.
type message struct {
	uri    string // as it was sent
	target url.URL
	host   string
}

// parse reads text, which must be one whole GET request without a body and
// nothing else (RFC 9112 §3 and §5), and adds its headers, whose values it also
// appends to values. It accepts far less than the standard allows. What it accepts,
// net/http reads in the same way, which a fuzz target holds against net/http; for
// all else, ok is false.
func parse(text string, header http.Header, values []string) (m message, ok bool) {
	line, rest, _ := strings.Cut(text, "\r\n")
	if m.uri, ok = strings.CutPrefix(line, "GET "); !ok {
		return m, false
	}
	if m.uri, ok = strings.CutSuffix(m.uri, " HTTP/1.1"); !ok {
		return m, false
	}
	if m.target.Path, m.target.RawQuery, ok = splitTarget(m.uri); !ok {
		return m, false
	}
	for {
		if line, rest, ok = strings.Cut(rest, "\r\n"); !ok {
			return m, false
		}
		if line == "" {
			return m, rest == "" && m.host != ""
		}
		name, value, ok := splitField(line)
		if !ok || meansMore(name, value) {
			return m, false
		}
		if name == "Host" {
			if m.host != "" || !consists(value, hostBytes) {
				return m, false
			}
			m.host = value
			continue
		}
		if len(values) == cap(values) {
			return m, false
		}
		values = append(values, value)
		if first := header[name]; first != nil {
			header[name] = append(first, value)
			continue
		}
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
}

// meansMore tells of headers that net/http does not only hand on.
func meansMore(name, value string) bool {
	switch name {
	case "Connection":
		return !strings.EqualFold(value, "keep-alive")
	case "Content-Length", "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Pragma", "Http2-Settings":
		return true
	}
	return false
}

// splitTarget gives path and query of a target in which nothing is escaped.
func splitTarget(uri string) (path, query string, ok bool) {
	path, query, asked := strings.Cut(uri, "?")
	ok = strings.HasPrefix(path, "/") && consists(path, pathBytes) && asked == (query != "") && consists(query, queryBytes)
	return path, query, ok
}

// splitField gives name and value of a header line, the name in canonical form.
func splitField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	ok = ok && name != "" && consists(name, nameBytes) && consists(value, valueBytes)
	return textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " "), ok
}

// Sets of bytes, one bit each.
const (
	nameBytes uint8 = 1 << iota
	hostBytes
	pathBytes
	queryBytes
	valueBytes
)

// consists tells whether all bytes of a text are of a set.
func consists(text string, set uint8) bool {
	for i := range len(text) {
		if sets[text[i]]&set == 0 {
			return false
		}
	}
	return true
}

// sets tells which sets a byte is in. Escapes are in none, so that nothing is
// ever decoded here.
var sets = func() (table [256]uint8) {
	for c := byte(' '); c < 0x7f; c++ {
		table[c] = valueBytes
		if c != ' ' && c != '#' {
			table[c] |= queryBytes
		}
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-':
			table[c] |= nameBytes | hostBytes | pathBytes
		case c == '.', c == ':':
			table[c] |= hostBytes | pathBytes
		case c == '[', c == ']':
			table[c] |= hostBytes
		case strings.IndexByte("/_~=@,", c) >= 0:
			table[c] |= pathBytes
		}
	}
	return table
}()
