package pims

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// planes is the plane selection of a request (pims-api §3.0.1).
type planes struct {
	channels  []string // integers and ranges, as text; nil means all
	z, t      *int
	reduction string // "" when it is explicitly null
}

func reductions() []string { return []string{"ADD", "MIN", "MED", "MAX"} }

// planes reads the parameters; types and ranges that are wrong are noted.
func (f *form) planes() planes {
	p := planes{reduction: "ADD"}
	values, _ := f.list("channels", true)
	for i, v := range values {
		switch v := v.(type) {
		case string:
			p.channels = append(p.channels, strings.TrimSpace(v))
		case json.Number:
			if n, ok := f.natural(v, f.where, "channels", i); ok {
				p.channels = append(p.channels, strconv.Itoa(n))
			}
		default:
			f.found.Add(problem.NotInt(v, f.where, "channels", i))
		}
	}
	for name, to := range map[string]**int{"z_slices": &p.z, "timepoints": &p.t} {
		if v, ok := f.scalar(name, true); ok {
			if n, ok := f.natural(v, f.where, name); ok {
				*to = &n
			}
		}
	}
	if field, ok := f.fields["c_reduction"]; ok && field.null {
		p.reduction = ""
	} else if v, ok := f.scalar("c_reduction", true); ok {
		text, _ := v.(string)
		if !slices.Contains(reductions(), text) {
			f.found.Add(problem.Enum(v, reductions(), f.where, "c_reduction"))
		}
		p.reduction = text
	}
	return p
}

// resolve checks the selection against a slide: the ascending set of channels
// that exist, and one z and t.
func (p planes) resolve(d *formats.Description, defaultZ int) (channels []int, z, t int, err error) {
	total := len(d.Channels)
	chosen := make([]bool, total)
	for _, item := range p.channels {
		low, high, ok := channelRange(item, total)
		if !ok {
			return nil, 0, 0, problem.BadRequest("bad-channel", "%s is not a valid index or range for channels.", item)
		}
		for c := max(low, 0); c < min(high, total); c++ {
			chosen[c] = true
		}
	}
	for c := range total {
		if chosen[c] || p.channels == nil {
			channels = append(channels, c)
		}
	}
	if len(channels) == 0 {
		return nil, 0, 0, problem.BadRequest("no-channels", "No valid indexes for channels")
	}
	z, t = defaultZ, 0
	if p.z != nil {
		z = *p.z
	}
	if p.t != nil {
		t = *p.t
	}
	if z >= d.Depth {
		return nil, 0, 0, problem.BadRequest("no-z-slices", "No valid indexes for z_slices")
	}
	if t >= d.Duration {
		return nil, 0, 0, problem.BadRequest("no-timepoints", "No valid indexes for timepoints")
	}
	if p.reduction == "" && len(channels) > 1 {
		return nil, 0, 0, problem.BadRequest("no-reduction", "A reduction is required for channels")
	}
	return channels, z, t, nil
}

// channelRange reads "3" or "low:high" with an exclusive high; a missing low is
// 0, a missing high the number of channels, and swapped bounds are put right.
func channelRange(item string, total int) (low, high int, ok bool) {
	left, right, isRange := strings.Cut(item, ":")
	if !isRange {
		n, err := strconv.ParseUint(item, 10, 31)
		return int(n), int(n) + 1, err == nil
	}
	low, high = 0, total
	var err error
	if left = strings.TrimSpace(left); left != "" {
		if low, err = strconv.Atoi(left); err != nil {
			return 0, 0, false
		}
	}
	if right = strings.TrimSpace(right); right != "" {
		if high, err = strconv.Atoi(right); err != nil {
			return 0, 0, false
		}
	}
	if low > high {
		low, high = high, low
	}
	return low, high, true
}
