package cost

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/pims-cloud/pims/fault"
)

// Line is one item of a bill.
type Line struct {
	Item     Item    `json:"-"`
	Key      string  `json:"item"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Price    float64 `json:"price"` // of Per units
	Per      float64 `json:"per"`
	Cost     float64 `json:"cost"`
	// PerMillion is the cost for a million tiles; 0 for what is fixed.
	PerMillion float64 `json:"perMillionTiles"`
}

// Bill is what counters cost.
type Bill struct {
	Currency   string  `json:"currency"`
	Date       string  `json:"date"` // of the prices
	Region     string  `json:"region"`
	Example    bool    `json:"examplePrices"`
	Tiles      float64 `json:"tiles"`
	Lines      []Line  `json:"lines"`
	Usage      float64 `json:"usage"`           // of what grows with use
	Fixed      float64 `json:"fixed"`           // of the rest
	PerMillion float64 `json:"perMillionTiles"` // Usage for a million tiles; 0 without tiles
}

// Of multiplies. Kind Invalid when something was counted that has no price.
func Of(c Counters, p Prices) (Bill, error) {
	b := Bill{Currency: p.Currency, Date: p.Date, Region: p.Region, Example: p.Example, Tiles: c.Tiles}
	for _, item := range Items() {
		n := c.Items[item.Key]
		if n == 0 {
			continue
		}
		price, ok := p.Prices[item.Key]
		if !ok {
			return Bill{}, fault.New(fault.Invalid, "cost-no-price", "There are %g %s of %s, but no price for it: add it to the price file.", n, item.Unit, item.Key)
		}
		l := Line{Item: item, Key: item.Key, Quantity: n, Unit: item.Unit, Price: price.Price, Per: price.Per, Cost: n / price.Per * price.Price}
		if item.Fixed {
			b.Fixed += l.Cost
		} else {
			b.Usage += l.Cost
			if c.Tiles > 0 {
				l.PerMillion = l.Cost / c.Tiles * 1e6
			}
		}
		b.Lines = append(b.Lines, l)
	}
	if c.Tiles > 0 {
		b.PerMillion = b.Usage / c.Tiles * 1e6
	}
	return b, nil
}

// columns are the cells of the table, a row each.
func (b Bill) columns() [][]string {
	rows := [][]string{{"item", "quantity", "unit", "price", "cost", "a million tiles"}}
	for _, l := range b.Lines {
		million := "fixed"
		if !l.Item.Fixed {
			million = b.million(l.PerMillion)
		}
		price := fmt.Sprintf("%s / %s", number(l.Price), number(l.Per))
		rows = append(rows, []string{l.Item.What, number(l.Quantity), l.Unit, price, money(l.Cost), million})
	}
	rows = append(rows, []string{"with use", "", "", "", money(b.Usage), b.million(b.PerMillion)})
	if b.Fixed > 0 {
		rows = append(rows, []string{"fixed", "", "", "", money(b.Fixed), ""})
	}
	return rows
}

func (b Bill) million(v float64) string {
	if b.Tiles == 0 {
		return "–"
	}
	return money(v)
}

func money(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }

func number(v float64) string {
	if v >= 1e6 || v == float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// Print writes the bill as a table for people.
func (b Bill) Print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	for _, row := range b.columns() {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(to, "\n%s, %s, prices of %s; %s tiles\n", b.Currency, b.Region, b.Date, number(b.Tiles))
	if err == nil && b.Example {
		_, err = fmt.Fprintln(to, "These prices are examples: put those of your region and contract into a file and use --prices.")
	}
	return err
}

// Markdown is the bill as a table of a page.
func (b Bill) Markdown() string {
	var out strings.Builder
	for i, row := range b.columns() {
		fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			out.WriteString("|---|---:|---|---:|---:|---:|\n")
		}
	}
	return out.String()
}
