package objectstore

import (
	"context"

	"github.com/pims-cloud/pims/fault"
)

// Copy stores version o of store from under key of s. The bytes stay where they
// are when the stores are of one kind (a server-side copy in S3, a copy within
// the kernel between folders); otherwise they are streamed. Kind Changed when o
// is no longer the object's version, or when a condition of options fails.
func (s *Store) Copy(ctx context.Context, from *Store, o Object, key string, options PutOptions) (Object, error) {
	if err := checkPut(key, options); err != nil {
		return Object{}, err
	}
	if err := CheckKey(o.Key); err != nil {
		return Object{}, err
	}
	if o.ETag == "" {
		return Object{}, fault.New(fault.Internal, "store-unpinned",
			"The object %q was to be copied without knowing its version.", o.Key)
	}
	if copier, ok := s.driver.(Copier); ok {
		copied, done, err := copier.CopyFrom(ctx, Innermost(from.driver), o, key, options)
		if err != nil {
			return Object{}, classify("copy", o.Key, err)
		}
		if done {
			return copied, nil
		}
	}
	body, err := from.Reader(ctx, o.Key, o.ETag)
	if err != nil {
		return Object{}, err
	}
	defer body.Close()
	return s.Put(ctx, key, body, o.Size, options)
}

// layer is what every decorator embeds: the driver below, reachable for
// Innermost, and its ability to copy, if it has one.
type layer struct{ Driver }

// Unwrap gives the driver below.
func (l layer) Unwrap() Driver { return l.Driver }

// CopyFrom implements Copier by asking the driver below.
func (l layer) CopyFrom(ctx context.Context, from Driver, o Object, key string, options PutOptions) (Object, bool, error) {
	if c, ok := l.Driver.(Copier); ok {
		return c.CopyFrom(ctx, from, o, key, options)
	}
	return Object{}, false, nil
}

// Innermost takes all decorators off a driver.
func Innermost(d Driver) Driver {
	for {
		w, ok := d.(interface{ Unwrap() Driver })
		if !ok {
			return d
		}
		d = w.Unwrap()
	}
}
