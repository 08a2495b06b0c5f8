package objectstore

import (
	"context"
	"time"

	"github.com/pims-cloud/pims/fault"
)

// PresignOptions say for how long an address holds, and which headers the store
// sends with the object instead of its own; empty ones are left as they are.
type PresignOptions struct {
	// ValidFor is one second to seven days. Credentials that end before end the
	// address with them: those of a function's role last for some hours.
	ValidFor           time.Duration
	ContentType        string
	ContentDisposition string
	ContentEncoding    string
	CacheControl       string
}

// Presigner is a Driver that can give an address under which whoever has it
// may GET one object, without credentials, until it expires. It makes no
// request: the object need not be there yet. The address is a secret.
type Presigner interface {
	PresignGet(ctx context.Context, key string, options PresignOptions) (url string, err error)
}

// maxPresigned is how long a signature of version 4 may be valid.
const maxPresigned = 7 * 24 * time.Hour

// CanPresign reports whether the store has addresses for its objects at all.
func (s *Store) CanPresign() bool {
	_, ok := Innermost(s.driver).(Presigner)
	return ok
}

// PresignGet gives an address for one object (see Presigner). Whatever version
// is there when the address is used is sent: name objects so that there is only
// one. Kind Unsupported, code store-no-presign, when the store has no
// addresses.
func (s *Store) PresignGet(ctx context.Context, key string, options PresignOptions) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	if options.ValidFor < time.Second || options.ValidFor > maxPresigned {
		return "", fault.New(fault.Invalid, "store-presign",
			"An address can not be valid for %s: one second to seven days.", options.ValidFor)
	}
	p, ok := Innermost(s.driver).(Presigner)
	if !ok {
		return "", fault.New(fault.Unsupported, "store-no-presign",
			"The store %s gives no addresses for its objects; an S3 store does.", s.URL())
	}
	url, err := p.PresignGet(ctx, key, options)
	if err != nil {
		return "", classify("sign an address of", key, err)
	}
	return url, nil
}
