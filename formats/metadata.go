package formats

import (
	"strconv"
	"strings"
	"time"
)

// The type names of PIMS' /metadata (pims-api §3.2).
const (
	TypeBoolean  = "BOOLEAN"
	TypeInteger  = "INTEGER"
	TypeDecimal  = "DECIMAL"
	TypeJSON     = "JSON"
	TypeList     = "LIST"
	TypeDateTime = "DATETIME"
	TypeDate     = "DATE"
	TypeTime     = "TIME"
	TypeString   = "STRING"
	TypeUnknown  = "UNKNOWN"
)

// MetadataType is PIMS' name of a value's type, the first that matches in the
// order of pims-api §3.2. A moment is DATETIME; dates and times of day that
// are known as text only are STRING, as PIMS has them. What is none of the
// types that a Metadatum may hold is UNKNOWN.
func MetadataType(v any) string {
	switch v.(type) {
	case bool:
		return TypeBoolean
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return TypeInteger
	case float32, float64:
		return TypeDecimal
	case map[string]any:
		return TypeJSON
	case []any:
		return TypeList
	case time.Time:
		return TypeDateTime
	case string:
		return TypeString
	default:
		return TypeUnknown
	}
}

// TypeName is the type to be shown: the given one, or that of the value.
func (m Metadatum) TypeName() string {
	if m.Type != "" {
		return m.Type
	}
	return MetadataType(m.Value)
}

// ParseScalar reads the text of a vendor's value as PIMS does: a whole number
// (int64), else a decimal number (float64), else "true" or "false" in any case
// (bool), else the text. Infinities and NaN stay text, JSON has none.
func ParseScalar(text string) any {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole
	}
	if isDecimal(text) {
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return number
		}
	}
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return text
}

// isDecimal keeps out what only Go reads as a number: hexadecimal floats,
// underscores, "inf".
func isDecimal(text string) bool {
	digits := false
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = true
		case !strings.ContainsRune("+-.eE", r):
			return false
		}
	}
	return digits
}
