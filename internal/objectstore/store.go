package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// Store is what the rest of the program uses: it checks arguments and gives
// every error a kind and a code, once for all drivers.
type Store struct {
	driver Driver
}

// New makes a Store over driver, usually the result of Standard.
func New(driver Driver) *Store { return &Store{driver: driver} }

// URL names the store for logs, without secrets.
func (s *Store) URL() string { return s.driver.URL() }

// ReadRanges returns exactly the bytes of every range, in order, each slice
// owned by the caller. Kind NotFound for a missing key, Changed and no bytes
// when etag is not empty and the object has another one, Invalid for a range
// that is negative, empty or reaches past the end.
func (s *Store) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if err := source.Check(math.MaxInt64, ranges); err != nil {
		return nil, err
	}
	if len(ranges) == 0 {
		return [][]byte{}, nil
	}
	parts, err := s.driver.ReadRanges(ctx, key, etag, ranges)
	if err != nil {
		return nil, classify("read", key, err)
	}
	return parts, nil
}

// ReadPrefix returns at most max bytes (> 0) from the start, in one request,
// and which object they are of. An empty object is no error.
func (s *Store) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	if err := CheckKey(key); err != nil {
		return nil, Object{}, err
	}
	if max <= 0 {
		return nil, Object{}, fault.New(fault.Invalid, "store-range", "A prefix of %d bytes can not be read.", max)
	}
	data, o, err := s.driver.ReadPrefix(ctx, key, max)
	if err != nil {
		return nil, Object{}, classify("read", key, err)
	}
	return data, o, nil
}

// Get reads a whole object into memory; kind TooLarge, code store-too-large,
// when it has more than max bytes (which must be > 0).
func (s *Store) Get(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	data, o, err := s.ReadPrefix(ctx, key, max)
	if err != nil {
		return nil, Object{}, err
	}
	if o.Size > int64(len(data)) {
		return nil, o, fault.New(fault.TooLarge, "store-too-large",
			"The object %q has %d bytes; at most %d are read at once.", key, o.Size, max)
	}
	return data, o, nil
}

// Reader streams the whole object. A change of the object while it is streamed
// ends the stream with kind Changed instead of io.EOF. The caller closes it.
func (s *Store) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	r, err := s.driver.Reader(ctx, key, etag)
	if err != nil {
		return nil, classify("read", key, err)
	}
	return classifyingReader{ReadCloser: r, key: key}, nil
}

// Stream gives the bytes of one range as they come, for who can use the first
// of them before the last are there. Errors as in ReadRanges; one that shows only
// later ends the stream instead of io.EOF. The caller closes it.
func (s *Store) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if err := source.Check(math.MaxInt64, []source.Range{r}); err != nil {
		return nil, err
	}
	body, err := s.driver.Stream(ctx, key, etag, r)
	if err != nil {
		return nil, classify("read", key, err)
	}
	return classifyingReader{ReadCloser: body, key: key}, nil
}

// Stat gives the object's identity without its bytes.
func (s *Store) Stat(ctx context.Context, key string) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	o, err := s.driver.Stat(ctx, key)
	if err != nil {
		return Object{}, classify("stat", key, err)
	}
	return o, nil
}

// Put stores all of body under key, or nothing. size is -1 when unknown; a body
// of another length is an error of kind Invalid. Kind Changed when a condition
// of options does not hold.
func (s *Store) Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (Object, error) {
	if err := checkPut(key, options); err != nil {
		return Object{}, err
	}
	if size >= 0 {
		body = withExactSize(body, key, size)
	}
	o, err := s.driver.Put(ctx, key, body, size, options)
	if err != nil {
		return Object{}, classify("write", key, err)
	}
	return o, nil
}

func checkPut(key string, options PutOptions) error {
	if options.OnlyIfAbsent && options.OnlyIfETag != "" {
		return fault.New(fault.Invalid, "store-put-options",
			"A write of %q can not ask for no object and for a certain object at once.", key)
	}
	return CheckKey(key)
}

// Delete removes keys; a missing one is no error.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if err := s.driver.Delete(ctx, keys); err != nil {
		return classify("delete", keys[0], err)
	}
	return nil
}

// List walks the objects whose key starts with prefix, in order of the keys'
// bytes. Objects that others put there under keys that break CheckKey's rules
// are left out. The walk ends after the first error.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(Object{}, err)
			return
		}
		for o, err := range s.driver.List(ctx, prefix) {
			if err != nil {
				yield(Object{}, classify("list", prefix, err))
				return
			}
			if keyDefect(o.Key) == "" && !yield(o, nil) {
				return
			}
		}
	}
}

// Folders walks the distinct first path elements below prefix (which ends in
// "/" or is empty) that have objects below them, without trailing slash, in
// order. The walk ends after the first error.
func (s *Store) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := checkPrefix(prefix)
		if err == nil && prefix != "" && !strings.HasSuffix(prefix, "/") {
			err = fault.New(fault.Invalid, "store-key", "The prefix %.80q does not end in /.", prefix)
		}
		if err != nil {
			yield("", err)
			return
		}
		for name, err := range s.driver.Folders(ctx, prefix) {
			if err != nil {
				yield("", classify("list", prefix, err))
				return
			}
			if keyDefect(name) == "" && !yield(name, nil) {
				return
			}
		}
	}
}

// classify gives err a kind: its own if it has one, else by what it is.
func classify(doing, key string, err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Canceled, "canceled", "The request was cancelled.").Because(err)
	case errors.Is(err, fs.ErrNotExist):
		return NotFound(key).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Denied, "store-denied", "The store does not allow to %s %q.", doing, key).Because(err)
	default:
		return fault.New(fault.Internal, "store-failed", "The store failed to %s %q.", doing, key).Because(err)
	}
}

// NotFound is every driver's error for a missing key.
func NotFound(key string) *fault.Error {
	return fault.New(fault.NotFound, "store-not-found", "There is no object %q.", key)
}

// Changed is every driver's error for an object that is not the version asked
// for, and for a condition of a write that does not hold.
func Changed(key string) *fault.Error {
	return fault.New(fault.Changed, "store-changed", "The object %q is not, or no longer, the expected version.", key)
}

// BeyondEnd is every driver's error for a range that reaches past the end.
func BeyondEnd(key string, r source.Range, size int64) *fault.Error {
	return fault.New(fault.Invalid, "store-range",
		"%d bytes at offset %d of %q were asked for, but it has only %d bytes.", r.Length, r.Offset, key, size)
}

type classifyingReader struct {
	io.ReadCloser
	key string
}

func (r classifyingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = classify("read", r.key, err)
	}
	return n, err
}

// withExactSize makes a body of another length than size an error before the
// driver can finish the write. A body that can be rewound stays so, because
// only then can a failed write be tried again.
func withExactSize(body io.Reader, key string, size int64) io.Reader {
	exact := &exactSize{body: body, key: key, size: size}
	if seeker, ok := body.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return &rewindableSize{exactSize: exact, seeker: seeker, start: start}
		}
	}
	return exact
}

type exactSize struct {
	body io.Reader
	key  string
	size int64
	read int64
}

func (e *exactSize) Read(p []byte) (int, error) {
	n, err := e.body.Read(p)
	e.read += int64(n)
	switch {
	case e.read > e.size:
		return 0, e.mismatch(fmt.Sprintf("at least %d", e.read))
	case err == io.EOF && e.read < e.size:
		return n, e.mismatch(fmt.Sprint(e.read))
	}
	return n, err
}

func (e *exactSize) mismatch(got string) error {
	return fault.New(fault.Invalid, "store-body-size",
		"The body of %q should have %d bytes but has %s.", e.key, e.size, got)
}

// Rewinder is a body that a write can be repeated with.
type Rewinder interface {
	// Rewind goes back to where the body began.
	Rewind() error
}

type rewindableSize struct {
	*exactSize
	seeker io.Seeker
	start  int64
}

// Rewind implements Rewinder.
func (r *rewindableSize) Rewind() error {
	_, err := r.seeker.Seek(r.start, io.SeekStart)
	r.read = 0
	return err
}
