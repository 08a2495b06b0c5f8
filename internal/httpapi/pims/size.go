package pims

import (
	"fmt"
	"math"
	"net/http"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
)

// length is a side of a picture: pixels, or a ratio in (0, 1] when ratio is set
// (pims-api §3.0.8).
type length struct {
	pixels int
	ratio  float64
}

// outputSize is the first of height, width, length that a request has.
type outputSize struct{ height, width, length *length }

// outputSize reads the size parameters; length has a default where PIMS has one.
func (f *form) outputSize(defaultLength int) outputSize {
	out := outputSize{height: f.length("height"), width: f.length("width"), length: f.length("length")}
	if field, present := f.fields["length"]; out.length == nil && !(present && field.null) && defaultLength > 0 {
		out.length = &length{pixels: defaultLength}
	}
	return out
}

func (f *form) length(name string) *length {
	v, ok := f.scalar(name, true)
	if !ok {
		return nil
	}
	x, ok := toFloat(v)
	switch {
	case !ok:
		f.found.Add(problem.NotInt(v, f.where, name, "constrained-int"))
		f.found.Add(problem.NotFloat(v, f.where, name, "constrained-float"))
		return nil
	case x > 0 && x <= 1:
		return &length{ratio: x}
	case x > 1 && x == math.Trunc(x):
		return &length{pixels: int(min(x, math.MaxInt32))}
	case x > 1:
		f.found.Add(problem.NotInt(v, f.where, name, "constrained-int"))
		f.found.Add(problem.AtMost(v, reply.Float(1), f.where, name, "constrained-float"))
	default:
		f.found.Add(problem.Above(v, 1, f.where, name, "constrained-int"))
		f.found.Add(problem.Above(v, reply.Float(0), f.where, name, "constrained-float"))
	}
	return nil
}

// of gives the size of the picture of something of full size width × height.
// Sides are rounded half to even and at least 1 (§9.3 no. 30).
func (o outputSize) of(width, height int) (outWidth, outHeight int, err error) {
	w, h := float64(width), float64(height)
	byLength := o.length != nil && o.height == nil && o.width == nil
	switch {
	case o.height != nil || (byLength && width <= height):
		side := o.height
		if side == nil {
			side = o.length
		}
		outHeight, outWidth = side.apply(h, w)
	case o.width != nil || byLength:
		side := o.width
		if side == nil {
			side = o.length
		}
		outWidth, outHeight = side.apply(w, h)
	default:
		return 0, 0, problem.BadRequest("no-output-size",
			"Impossible to determine output dimensions. Height, width and length cannot all be unset.")
	}
	return outWidth, outHeight, nil
}

// apply gives the side that the length was asked of and the other one.
func (l length) apply(side, other float64) (outSide, outOther int) {
	if l.ratio > 0 {
		return atLeast1(l.ratio * side), atLeast1(l.ratio * other)
	}
	return l.pixels, atLeast1(float64(l.pixels) / side * other)
}

func atLeast1(x float64) int {
	return max(1, int(min(math.RoundToEven(x), math.MaxInt32)))
}

func safetyModes() []string { return []string{"SAFE_REJECT", "SAFE_RESIZE", "UNSAFE"} }

// safetyMode reads X-Image-Size-Safety.
func (a *API) safetyMode(r *http.Request, found *problem.Validation) string {
	mode := r.Header.Get("X-Image-Size-Safety")
	switch mode {
	case "":
		return a.Limits.SafetyMode
	case "SAFE_REJECT", "SAFE_RESIZE", "UNSAFE":
		return mode
	}
	found.Add(problem.Enum(mode, safetyModes(), "header", "X-Image-Size-Safety"))
	return mode
}

// safeSize applies the size limit (pims-api §2.4) and says in the header when
// the picture is not as large as asked.
func (a *API) safeSize(w http.ResponseWriter, mode string, width, height int) (safeWidth, safeHeight int, err error) {
	limit := a.Limits.OutputSize
	if mode == "UNSAFE" || (width <= limit && height <= limit) {
		return width, height, nil
	}
	if mode != "SAFE_RESIZE" {
		return 0, 0, problem.TooLargeOutput(width, height, limit)
	}
	safeWidth, safeHeight = limit, limit
	if width > height {
		safeHeight = atLeast1(float64(limit) / float64(width) * float64(height))
	} else {
		safeWidth = atLeast1(float64(limit) / float64(height) * float64(width))
	}
	if safeWidth != width {
		ratio, err := reply.Float(float64(safeWidth) / float64(width)).MarshalJSON()
		if err != nil {
			return 0, 0, err
		}
		w.Header().Set("X-Image-Size-Limit", fmt.Sprintf("request_width=%d,request_height=%d,safe_width=%d,safe_height=%d,ratio=%s",
			width, height, safeWidth, safeHeight, ratio))
	}
	return safeWidth, safeHeight, nil
}
