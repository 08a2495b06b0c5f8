package lambdaadapter

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
)

// Mode is how a function sends replies.
type Mode string

// The modes. They must agree with what stands in front of the function: a
// function URL with invoke mode RESPONSE_STREAM needs Stream, everything else
// Buffered.
const (
	Buffered Mode = "buffered"
	Stream   Mode = "stream"
)

// UnmarshalText reads buffered or stream.
func (m *Mode) UnmarshalText(text []byte) error {
	switch v := Mode(strings.ToLower(strings.TrimSpace(string(text)))); v {
	case Buffered, Stream:
		*m = v
		return nil
	default:
		return errors.New("expected buffered or stream")
	}
}

// Config is for programs that run as Lambda functions.
type Config struct {
	Response Mode `env:"LAMBDA_RESPONSE" envDefault:"buffered" desc:"How a Lambda function replies: buffered (API Gateway, at most 6 MB), or stream (function URL with invoke mode RESPONSE_STREAM)."`
	// ResultsValid is how long the address of a reply that was too large for
	// Buffered holds.
	ResultsValid time.Duration `env:"RESULTS_VALID" envDefault:"15m" desc:"How long the address holds to which a Lambda function sends a client whose reply is too large for LAMBDA_RESPONSE=buffered; the reply lies below results/ in the store."`
	// ForwardURL is a function of the same service with libvips.
	ForwardURL string `env:"FORWARD_URL" desc:"URL (https://) of a Lambda function with libvips, to which one without passes on the requests that need it. Empty: they are answered 501, or 406 where only the media type needs it."`
}

// maxResultsValid is how long credentials of a function's role last at least.
const maxResultsValid = time.Hour

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if c.ResultsValid < time.Second || c.ResultsValid > maxResultsValid {
		return fault.New(fault.Invalid, "config-value", "RESULTS_VALID is %s: expected 1s to 1h", c.ResultsValid)
	}
	u, err := url.Parse(c.ForwardURL)
	if c.ForwardURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.User != nil) {
		return fault.New(fault.Invalid, "config-value",
			"FORWARD_URL is %q: expected nothing, or the https:// URL of a function with libvips, without user and query", c.ForwardURL)
	}
	return nil
}
