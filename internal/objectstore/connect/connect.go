// Package connect opens the store that a URL names. It is apart from package
// objectstore because it knows all drivers.
package connect

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
)

// Open gives the store at rawURL (see objectstore.ParseURL) with the standard
// decorators. A folder is made if it is not there; a bucket is not asked for
// before the first operation; memory: is a new, empty store each time.
func Open(ctx context.Context, rawURL string, c objectstore.Config) (*objectstore.Store, error) {
	location, err := objectstore.ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	driver, err := Driver(ctx, location, c)
	if err != nil {
		return nil, err
	}
	return objectstore.New(objectstore.Standard(driver, c)), nil
}

// Driver gives the bare driver of a location.
func Driver(ctx context.Context, l objectstore.Location, c objectstore.Config) (objectstore.Driver, error) {
	switch l.Scheme {
	case objectstore.SchemeFile:
		return dir.Open(l.Path)
	case objectstore.SchemeS3:
		return s3.Open(ctx, s3.Config{
			Bucket: l.Bucket, Prefix: l.Prefix, PathStyle: c.S3PathStyle, PublicEndpoint: c.S3PublicEndpoint, AnswerTimeout: c.AnswerTimeout,
		})
	case objectstore.SchemeMemory:
		return memory.New(), nil
	}
	return nil, fault.New(fault.Invalid, "store-url", "There is no store of scheme %q.", l.Scheme)
}
