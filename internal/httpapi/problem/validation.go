package problem

import (
	"fmt"
	"strings"
)

// Issue is one finding about one parameter, in the words that clients of PIMS
// know (pydantic 2).
type Issue struct {
	Type  string // "enum", "int_parsing", "greater_than_equal" …
	Loc   []any  // "query" | "path" | "header" | "body", then names and positions
	Msg   string
	Input any
	Ctx   []Member // nil is left out
}

// Validation is a request whose parameters have wrong types, ranges or names:
// status 422 with all issues together.
type Validation struct{ Issues []Issue }

// Error is the text for logs.
func (v *Validation) Error() string {
	parts := make([]string, 0, len(v.Issues))
	for _, issue := range v.Issues {
		parts = append(parts, fmt.Sprintf("%v: %s", issue.Loc, issue.Msg))
	}
	return "validation: " + strings.Join(parts, "; ")
}

// Add appends an issue.
func (v *Validation) Add(issue Issue) { v.Issues = append(v.Issues, issue) }

// Err is nil when nothing was found.
func (v *Validation) Err() error {
	if len(v.Issues) == 0 {
		return nil
	}
	found := *v // so that a request without findings keeps its list on the stack
	return &found
}

func (v *Validation) body() []byte {
	var out strings.Builder
	out.WriteString(`{"detail":[`)
	for i, issue := range v.Issues {
		if i > 0 {
			out.WriteByte(',')
		}
		members := []Member{{"type", issue.Type}, {"loc", issue.Loc}, {"msg", issue.Msg}, {"input", issue.Input}}
		if issue.Ctx != nil {
			members = append(members, Member{"ctx", rawObject(object(issue.Ctx))})
		}
		out.Write(object(members))
	}
	out.WriteString(`],"title":"Validation error","status":422,"code":"validation"}`)
	return []byte(out.String())
}

// rawObject is JSON that is already written.
type rawObject []byte

// MarshalJSON gives the text as it is.
func (o rawObject) MarshalJSON() ([]byte, error) { return o, nil }

// Missing says that a required member is absent.
func Missing(input any, loc ...any) Issue {
	return Issue{Type: "missing", Loc: loc, Msg: "Field required", Input: input}
}

// Enum says that a value is none of the allowed ones.
func Enum(input any, allowed []string, loc ...any) Issue {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = "'" + a + "'"
	}
	expected := quoted[0]
	if n := len(quoted); n > 1 {
		expected = strings.Join(quoted[:n-1], ", ") + " or " + quoted[n-1]
	}
	return Issue{
		Type: "enum", Loc: loc, Msg: "Input should be " + expected, Input: input,
		Ctx: []Member{{"expected", expected}},
	}
}

// NotInt says that a value is no integer.
func NotInt(input any, loc ...any) Issue {
	return Issue{Type: "int_parsing", Loc: loc, Input: input,
		Msg: "Input should be a valid integer, unable to parse string as an integer"}
}

// NotFloat says that a value is no number.
func NotFloat(input any, loc ...any) Issue {
	return Issue{Type: "float_parsing", Loc: loc, Input: input,
		Msg: "Input should be a valid number, unable to parse string as a number"}
}

// NotBool says that a value is no boolean.
func NotBool(input any, loc ...any) Issue {
	return Issue{Type: "bool_parsing", Loc: loc, Input: input,
		Msg: "Input should be a valid boolean, unable to interpret input"}
}

// NotString says that a value is no text.
func NotString(input any, loc ...any) Issue {
	return Issue{Type: "string_type", Loc: loc, Input: input, Msg: "Input should be a valid string"}
}

// NotObject says that a value is no JSON object.
func NotObject(input any, loc ...any) Issue {
	return Issue{Type: "model_attributes_type", Loc: loc, Input: input,
		Msg: "Input should be a valid dictionary or object to extract fields from"}
}

// AtLeast says that a number is below its least value.
func AtLeast(input any, least any, loc ...any) Issue {
	return Issue{Type: "greater_than_equal", Loc: loc, Input: input,
		Msg: fmt.Sprintf("Input should be greater than or equal to %v", least), Ctx: []Member{{"ge", least}}}
}

// Above says that a number is not above a bound.
func Above(input any, bound any, loc ...any) Issue {
	return Issue{Type: "greater_than", Loc: loc, Input: input,
		Msg: fmt.Sprintf("Input should be greater than %v", bound), Ctx: []Member{{"gt", bound}}}
}

// AtMost says that a number is above its greatest value.
func AtMost(input any, greatest any, loc ...any) Issue {
	return Issue{Type: "less_than_equal", Loc: loc, Input: input,
		Msg: fmt.Sprintf("Input should be less than or equal to %v", greatest), Ctx: []Member{{"le", greatest}}}
}

// BadJSON says where a body stops being JSON.
func BadJSON(offset int64, why string) Issue {
	return Issue{Type: "json_invalid", Loc: []any{"body", offset}, Msg: "JSON decode error",
		Input: struct{}{}, Ctx: []Member{{"error", why}}}
}
