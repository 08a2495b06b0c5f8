package pims

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// planes is the plane selection of a request (pims-api §3.0.1).
type planes struct {
	channels   []string // integers and ranges, as text; nil means all
	z, t       *int
	reduction  string   // "" when it is explicitly null
	zRun, tRun []string // of a projection: indexes and ranges, as text; nil means all
	zHow, tHow string   // its reduction; "" for none
}

func reductions() []string { return []string{"ADD", "MIN", "MED", "MAX"} }

// planes reads the parameters; types and ranges that are wrong are noted.
func (f *form) planes() planes {
	p := planes{reduction: "ADD", channels: f.indexes("channels")}
	p.z, p.zRun, p.zHow = f.planeNumber("z_slices", "z_reduction")
	p.t, p.tRun, p.tHow = f.planeNumber("timepoints", "t_reduction")
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

// indexes reads a list of indexes and ranges.
func (f *form) indexes(name string) []string {
	var out []string
	values, _ := f.list(name, true)
	for i, v := range values {
		switch v := v.(type) {
		case string:
			out = append(out, strings.TrimSpace(v))
		case json.Number:
			if n, ok := f.natural(v, f.where, name, i); ok {
				out = append(out, strconv.Itoa(n))
			}
		default:
			f.found.Add(problem.NotInt(v, f.where, name, i))
		}
	}
	return out
}

// planeNumber reads one z or t or, with a reduction, the run of planes that is
// projected. PIMS documents reductions of planes but has none (pims-api §10).
func (f *form) planeNumber(name, reduction string) (one *int, run []string, how string) {
	if v, ok := f.scalar(reduction, true); ok {
		how, _ = v.(string)
		if !slices.Contains(projections(), how) {
			f.found.Add(problem.Enum(v, projections(), f.where, reduction))
			return nil, nil, ""
		}
		return nil, f.indexes(name), how
	}
	if v, ok := f.scalar(name, true); ok {
		if n, ok := f.natural(v, f.where, name); ok {
			one = &n
		}
	}
	return one, nil, ""
}

func projections() []string { return reductions()[1:] }

// view checks the selection against a slide and shows it with the defaults:
// the ascending set of channels that exist, and one z and t, or a run of them.
func (p planes) view(m *slide.Manifest) (render.View, error) {
	d := &m.Description
	v := render.Default(m)
	channels, err := chosen(p.channels, len(d.Channels), "channels")
	if err != nil {
		return render.View{}, err
	}
	v = v.Select(m, channels)
	if v.Z, v.ZRange, err = p.plane(p.z, p.zRun, p.zHow, v.Z, d.Depth, "z_slices"); err != nil {
		return render.View{}, err
	}
	if v.T, v.TRange, err = p.plane(p.t, p.tRun, p.tHow, v.T, d.Duration, "timepoints"); err != nil {
		return render.View{}, err
	}
	if p.reduction == "" && len(channels) > 1 {
		return render.View{}, problem.BadRequest("no-reduction", "A reduction is required for channels")
	}
	v.Reduction, v.ZReduction, v.TReduction = reductionOf(p.reduction), reductionOf(p.zHow), reductionOf(p.tHow)
	return v, nil
}

// plane is one index, or with a reduction the run of those that were chosen.
func (p planes) plane(one *int, run []string, how string, otherwise, total int, name string) (int, render.Range, error) {
	if how == "" {
		at := otherwise
		if one != nil {
			at = *one
		}
		if at >= total {
			return 0, render.Range{}, problem.BadRequest("no-"+strings.ReplaceAll(name, "_", "-"), "No valid indexes for %s", name)
		}
		return at, render.Range{}, nil
	}
	all, err := chosen(run, total, name)
	if err != nil {
		return 0, render.Range{}, err
	}
	low, high := all[0], all[len(all)-1]+1
	if high-low != len(all) {
		return 0, render.Range{}, problem.BadRequest("gaps", "The indexes for %s must follow each other to be reduced.", name)
	}
	return low, render.Range{Low: low, High: high}, nil
}

func reductionOf(name string) render.Reduction {
	return map[string]render.Reduction{"MIN": render.Min, "MED": render.Med, "MAX": render.Max}[name]
}

// chosen is the ascending set of the indexes below total that items name; all
// of them when there are no items.
func chosen(items []string, total int, name string) ([]int, error) {
	named := make([]bool, total)
	for _, item := range items {
		low, high, ok := indexRange(item, total)
		if !ok {
			return nil, problem.BadRequest("bad-"+strings.TrimSuffix(strings.ReplaceAll(name, "_", "-"), "s"), "%s is not a valid index or range for %s.", item, name)
		}
		for i := max(low, 0); i < min(high, total); i++ {
			named[i] = true
		}
	}
	var out []int
	for i := range total {
		if named[i] || items == nil {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, problem.BadRequest("no-"+strings.ReplaceAll(name, "_", "-"), "No valid indexes for %s", name)
	}
	return out, nil
}

// indexRange reads "3" or "low:high" with an exclusive high; a missing low is
// 0, a missing high the number of channels, and swapped bounds are put right.
func indexRange(item string, total int) (low, high int, ok bool) {
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
