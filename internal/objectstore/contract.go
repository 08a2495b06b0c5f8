package objectstore

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/pims-cloud/pims/source"
)

// Object identifies one version of one object.
type Object struct {
	Key     string
	Size    int64
	ETag    string // opaque and without quotes; changes whenever the bytes do
	ModTime time.Time
}

// PutOptions are the conditions and properties of a write.
type PutOptions struct {
	ContentType string
	// OnlyIfAbsent makes the write fail with kind Changed when the key exists.
	OnlyIfAbsent bool
	// OnlyIfETag makes the write fail with kind Changed unless the key exists
	// with this ETag.
	OnlyIfETag string
	// MayShare tells a copy that the original is removed right after and not
	// written to any more, so that the two may have their bytes in common until
	// then. It means nothing for other writes.
	MayShare bool
}

// Driver is what a backend implements and what decorators wrap. Callers use
// Store, which checks arguments and maps errors once for all of them. Drivers
// are safe for concurrent use and never retry: retrying is a decorator.
type Driver interface {
	// ReadRanges returns exactly the bytes of every range. Kind NotFound for a
	// missing key; kind Changed and no bytes when etag is not empty and the
	// object has another one. Together with an error of kind Busy, and if an etag
	// was given, it may return those ranges that it has, nil for the others, so
	// that Retry need not ask for them again.
	ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error)
	// ReadPrefix returns at most max bytes from the start, in one request, and
	// which object they are of. An empty object is no error.
	ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error)
	// Reader streams the whole object; kind Changed as in ReadRanges.
	Reader(ctx context.Context, key, etag string) (io.ReadCloser, error)
	// Stream gives the bytes of one range as they come. Errors as in ReadRanges;
	// one that shows only later ends the stream instead of io.EOF, and no byte
	// that it gave before is of another version than etag.
	Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error)
	// Stat gives the object's identity without its bytes.
	Stat(ctx context.Context, key string) (Object, error)
	// Put stores all of body under key, or nothing. size is -1 when unknown.
	Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (Object, error)
	// Delete removes keys; a missing one is no error.
	Delete(ctx context.Context, keys []string) error
	// List walks the objects whose key starts with prefix, in key order.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Folders walks the distinct first path elements below prefix (which ends
	// in "/" or is empty), without trailing slash, in order.
	Folders(ctx context.Context, prefix string) iter.Seq2[string, error]
	// URL names the store for logs, without secrets.
	URL() string
}

// Copier is a Driver that can copy an object of another store of its own kind
// without the bytes passing through this process. ok is false when it can not
// copy from that store.
type Copier interface {
	CopyFrom(ctx context.Context, from Driver, object Object, key string, options PutOptions) (copied Object, ok bool, err error)
}
