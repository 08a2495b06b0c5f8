package lambdaadapter

import (
	"errors"
	"strings"
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
}

// Validate accepts what parsing let through.
func (c Config) Validate() error { return nil }
