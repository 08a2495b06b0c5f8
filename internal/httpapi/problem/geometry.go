package problem

import (
	"fmt"
	"net/http"
)

// InvalidGeometry is the answer to an annotation whose geometry cannot be used;
// reason says why.
func InvalidGeometry(geometry, reason string) *Problem {
	p := titled(http.StatusBadRequest, "invalid-geometry", "Invalid geometry", fmt.Sprintf("Geometry %s is invalid.", geometry))
	p.Extra = []Member{{"geometry", geometry}, {"reason", reason}}
	return p
}

// NotColor says that a value is no colour.
func NotColor(input any, loc ...any) Issue {
	return Issue{Type: "color_error", Loc: loc, Input: input,
		Msg: "value is not a valid color: string not recognised as a valid color"}
}
