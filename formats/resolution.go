package formats

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// ResolutionOrder says which formats are asked first: the lower number wins,
// what is not named has 0. It is what checkerResolution.csv holds (pims-api
// §5.1). A name is a format's ID or its plugin's name, upper or lower case,
// with "-" and "_" meaning the same; an ID counts before a plugin's name.
// The zero value names nothing.
type ResolutionOrder struct {
	orders map[string]int // by normalised name
}

// maxResolutionBytes bounds a file that has one short line a plugin.
const maxResolutionBytes = 1 << 20

// ParseResolutionOrder reads a file with the columns name and
// resolution_order, in this or the other order; further columns are ignored
// and names that no format has do no harm. The error's kind is Invalid, and
// its sentence names the line, what it holds and what is expected; a file that
// cannot be read gives the reader's error as the cause of kind Internal.
func ParseResolutionOrder(csvFile io.Reader) (ResolutionOrder, error) {
	lines := csv.NewReader(io.LimitReader(csvFile, maxResolutionBytes))
	lines.FieldsPerRecord = -1
	lines.TrimLeadingSpace = true
	lines.Comment = '#'
	header, err := lines.Read()
	if err == io.EOF {
		return ResolutionOrder{}, nil
	}
	if err != nil {
		return ResolutionOrder{}, badResolutionFile(err)
	}
	name, order := column(header, "name"), column(header, "resolution_order")
	if name < 0 || order < 0 {
		return ResolutionOrder{}, fault.New(fault.Invalid, "resolution-order-header",
			"line 1 of the resolution order file is %q, expected the columns name,resolution_order", strings.Join(header, ","))
	}
	orders := map[string]int{}
	for {
		fields, err := lines.Read()
		if err == io.EOF {
			return ResolutionOrder{orders: orders}, nil
		}
		if err != nil {
			return ResolutionOrder{}, badResolutionFile(err)
		}
		line, _ := lines.FieldPos(0)
		if err := addOrder(orders, fields, name, order, line); err != nil {
			return ResolutionOrder{}, err
		}
	}
}

// addOrder enters one line.
func addOrder(orders map[string]int, fields []string, name, order, line int) error {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "resolution-order-line",
			"line %d of the resolution order file is %q, %s", line, strings.Join(fields, ","), why)
	}
	if len(fields) <= max(name, order) {
		return bad("expected a name and a whole number")
	}
	key := normaliseName(fields[name])
	if key == "" {
		return bad("the name is empty")
	}
	value, err := strconv.Atoi(strings.TrimSpace(fields[order]))
	if err != nil {
		return bad("the resolution order must be a whole number, for example -1 or 2")
	}
	if _, twice := orders[key]; twice {
		return bad("the name stands there twice")
	}
	orders[key] = value
	return nil
}

// badResolutionFile classifies an error of the CSV reader.
func badResolutionFile(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fault.New(fault.Invalid, "resolution-order-line",
			"line %d of the resolution order file is not CSV: %v", parse.Line, parse.Err).Because(err)
	}
	return fault.New(fault.Internal, "resolution-order-read", "the resolution order file cannot be read").Because(err)
}

// column is the position of a header field, -1 when it is not there.
func column(header []string, name string) int {
	for i, field := range header {
		field = strings.TrimPrefix(field, "\ufeff") // spreadsheets write a byte order mark
		if strings.EqualFold(strings.TrimSpace(field), name) {
			return i
		}
	}
	return -1
}

// Of is the number of a format.
func (o ResolutionOrder) Of(info Info) int {
	if order, ok := o.orders[normaliseName(info.ID)]; ok {
		return order
	}
	return o.orders[normaliseName(info.Plugin)]
}

func normaliseName(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")
}
