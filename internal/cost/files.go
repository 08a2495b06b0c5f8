package cost

import (
	"bytes"
	_ "embed" // for the example prices
	"math"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/pims-cloud/pims/fault"
)

// maxFileBytes bounds files of prices and counters: they have a few lines.
const maxFileBytes = 1 << 20

//go:embed prices.yaml
var examplePrices []byte

// Price is what some units cost.
type Price struct {
	Price float64 `yaml:"price"`
	Per   float64 `yaml:"per"` // units
}

// Prices is a price file.
type Prices struct {
	Date     string           `yaml:"date"`
	Region   string           `yaml:"region"`
	Currency string           `yaml:"currency"`
	Prices   map[string]Price `yaml:"prices"` // by Item.Key
	// Example tells that these are the embedded ones.
	Example bool `yaml:"-"`
}

// Counters is what was counted: of the items, and of the tiles that it was for.
type Counters struct {
	// Tiles is how many tiles viewers got; 0 when that is not known.
	Tiles float64            `yaml:"tiles"`
	Items map[string]float64 `yaml:",inline"` // by Item.Key
}

// Examples are the embedded prices: to try with, not to count on.
func Examples() (Prices, error) {
	p, err := parsePrices("the embedded prices", examplePrices)
	p.Example = true
	return p, err
}

// ReadPrices reads a price file, YAML or JSON.
func ReadPrices(path string) (Prices, error) {
	text, err := read(path)
	if err != nil {
		return Prices{}, err
	}
	return parsePrices(path, text)
}

// ReadCounters reads a file of counters, YAML or JSON.
func ReadCounters(path string) (Counters, error) {
	text, err := read(path)
	if err != nil {
		return Counters{}, err
	}
	return parseCounters(path, text)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFileBytes) {
		return nil, fault.New(fault.Invalid, "cost-file", "%s is no file of at most %d bytes.", path, maxFileBytes)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault.New(fault.NotFound, "cost-file", "%s can not be read: name a YAML or JSON file that exists.", path).Because(err)
	}
	return text, nil
}

// decode is strict: a misspelt name would be a cost of nothing.
func decode(name string, text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fault.New(fault.Invalid, "cost-file", "%s is not as expected: %v. docs/costs.md has examples.", name, err).Because(err)
	}
	return nil
}

func parsePrices(name string, text []byte) (Prices, error) {
	var p Prices
	if err := decode(name, text, &p); err != nil {
		return Prices{}, err
	}
	for key, price := range p.Prices {
		switch {
		case !itemNamed(key):
			return Prices{}, unknown(name, key)
		case !amount(price.Price) || !amount(price.Per) || price.Per == 0:
			return Prices{}, fault.New(fault.Invalid, "cost-file",
				"%s has the price %v per %v for %s: expected a price of 0 or more, per more than 0.", name, price.Price, price.Per, key)
		}
	}
	if len(p.Prices) == 0 || p.Currency == "" {
		return Prices{}, fault.New(fault.Invalid, "cost-file", "%s has no currency or no prices.", name)
	}
	return p, nil
}

func parseCounters(name string, text []byte) (Counters, error) {
	var c Counters
	if err := decode(name, text, &c); err != nil {
		return Counters{}, err
	}
	for key, n := range c.Items {
		switch {
		case !itemNamed(key):
			return Counters{}, unknown(name, key)
		case !amount(n):
			return Counters{}, fault.New(fault.Invalid, "cost-file", "%s has %v for %s: expected 0 or more.", name, n, key)
		}
	}
	if !amount(c.Tiles) {
		return Counters{}, fault.New(fault.Invalid, "cost-file", "%s has %v tiles: expected 0 or more.", name, c.Tiles)
	}
	return c, nil
}

func amount(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

func unknown(name, key string) error {
	return fault.New(fault.Invalid, "cost-item", "%s names %q, which is no item; pims cost --items lists them.", name, key)
}
