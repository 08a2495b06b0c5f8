package ppm

import (
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// Bounds of a header.
const (
	maxSide         = 1 << 24
	maxComments     = 64
	maxCommentBytes = 16 << 10
)

// header is what stands before the pixels (Netpbm's pbm(5), pgm(5), ppm(5)).
type header struct {
	kind          byte // '4', '5' or '6'
	width, height int
	greatest      int // value of a sample, 1 in a bitmap
	comments      []string
	offset        int64 // of the pixels
}

func parseHeader(data []byte) (header, error) {
	if len(data) < 3 || data[0] != 'P' || data[1] < '4' || data[1] > '6' {
		return header{}, fault.New(fault.Corrupt, "ppm-header", "the file does not begin with P4, P5 or P6")
	}
	h := header{kind: data[1], greatest: 1}
	r := scanner{data: data, at: 2}
	var err error
	if h.width, err = r.number("width", maxSide); err != nil {
		return header{}, err
	}
	if h.height, err = r.number("height", maxSide); err != nil {
		return header{}, err
	}
	if h.kind != '4' {
		if h.greatest, err = r.number("greatest value", 65535); err != nil {
			return header{}, err
		}
	}
	// One white space ends the header; what follows is pixels, even if it looks
	// like white space.
	if r.at >= len(data) || !isSpace(data[r.at]) {
		return header{}, fault.New(fault.Corrupt, "ppm-header", "no white space follows the header's last number at byte %d", r.at)
	}
	h.comments, h.offset = r.comments, int64(r.at+1)
	return h, nil
}

// scanner steps through words and comments.
type scanner struct {
	data     []byte
	at       int
	comments []string
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// number reads a positive number of at most max.
func (s *scanner) number(what string, max int) (int, error) {
	s.skip()
	start, n := s.at, 0
	for ; s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9'; s.at++ {
		if n = n*10 + int(s.data[s.at]-'0'); n > max {
			return 0, fault.New(fault.TooLarge, "ppm-number", "the header's %s is over %d, which is the most that can be read", what, max)
		}
	}
	if s.at == start || n == 0 {
		return 0, fault.New(fault.Corrupt, "ppm-number", "at byte %d a positive number was expected for the %s", start, what)
	}
	return n, nil
}

// skip passes over white space and over comments, which reach to the end of
// their line.
func (s *scanner) skip() {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case isSpace(c):
			s.at++
		case c == '#':
			start := s.at + 1
			for s.at < len(s.data) && s.data[s.at] != '\n' && s.data[s.at] != '\r' {
				s.at++
			}
			s.keep(s.data[start:s.at])
		default:
			return
		}
	}
}

func (s *scanner) keep(comment []byte) {
	if len(s.comments) < maxComments && len(comment) <= maxCommentBytes {
		s.comments = append(s.comments, strings.TrimSpace(plainimage.Text(comment)))
	}
}
