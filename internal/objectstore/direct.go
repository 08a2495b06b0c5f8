package objectstore

import (
	"context"
	"time"

	"github.com/pims-cloud/pims/fault"
)

// The bounds that S3 sets to an upload in parts.
const (
	// MaxUploadParts is the greatest number of a part; the first is 1.
	MaxUploadParts = 10_000
	// MinPartBytes is the least size of a part that is not the last.
	MinPartBytes = 5 << 20
	// MaxObjectBytes is the greatest size of an object.
	MaxObjectBytes = 5 << 40
	// maxPartBytes is the greatest size of a part.
	maxPartBytes = 5 << 30
)

// DirectUpload names an upload that a client makes itself. Whoever knows both
// still needs an address for each part.
type DirectUpload struct {
	Key string
	ID  string // the store's own name of it
}

// DirectPart is one part of such an upload.
type DirectPart struct {
	Number int // from 1 to MaxUploadParts
	Size   int64
	ETag   string // without quotes; empty before it is there
	// CRC32C is the part's checksum (Castagnoli) in base64 of its four bytes,
	// big-endian; empty in uploads that are not checked.
	CRC32C string
}

// PartAddress is where one part is to be PUT, and with which headers. It is a
// secret until it expires.
type PartAddress struct {
	URL    string
	Header map[string]string
}

// DirectUploader is a Driver that gives clients addresses to which they send an
// object in parts, without credentials and without the bytes passing through
// this process. Nothing of an upload can be read before it is complete; one that
// is neither completed nor aborted keeps its parts until a rule of the bucket
// removes them.
type DirectUploader interface {
	// BeginUpload gives the store's name of a new upload. When it is checked, the
	// store demands a CRC-32C of each part and refuses one that does not fit.
	BeginUpload(ctx context.Context, key string, checked bool) (id string, err error)
	// PresignPart signs the address of one part. It holds for these many bytes
	// and this checksum alone, makes no request, and may be used again.
	PresignPart(ctx context.Context, u DirectUpload, p DirectPart, validFor time.Duration) (PartAddress, error)
	// UploadedParts gives the parts that are there, in order. Kind NotFound, code
	// store-no-upload, when there is no such upload (any more).
	UploadedParts(ctx context.Context, u DirectUpload) ([]DirectPart, error)
	// CompleteUpload makes the parts, in order of their numbers, an object. Kind
	// Invalid, code store-parts, when they are not what was uploaded; NotFound as
	// UploadedParts.
	CompleteUpload(ctx context.Context, u DirectUpload, parts []DirectPart) (Object, error)
	// AbortUpload removes the parts; NotFound as UploadedParts.
	AbortUpload(ctx context.Context, u DirectUpload) error
}

// NoUpload is every driver's error for an upload that is not, or no longer,
// under way.
func NoUpload(key string) *fault.Error {
	return fault.New(fault.NotFound, "store-no-upload",
		"There is no upload of %q under way; it was completed, aborted, or removed after some days.", key)
}

// CanUploadDirect reports whether the store takes uploads that clients make
// themselves.
func (s *Store) CanUploadDirect() bool {
	_, ok := Innermost(s.driver).(DirectUploader)
	return ok
}

func (s *Store) direct(key string) (DirectUploader, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	d, ok := Innermost(s.driver).(DirectUploader)
	if !ok {
		return nil, fault.New(fault.Unsupported, "store-no-direct-uploads",
			"The store %s takes no uploads in parts from clients; an S3 store does.", s.URL())
	}
	return d, nil
}

// BeginUpload begins an upload in parts (see DirectUploader). Kind Unsupported,
// code store-no-direct-uploads, when the store takes none.
func (s *Store) BeginUpload(ctx context.Context, key string, checked bool) (DirectUpload, error) {
	d, err := s.direct(key)
	if err != nil {
		return DirectUpload{}, err
	}
	id, err := d.BeginUpload(ctx, key, checked)
	if err != nil {
		return DirectUpload{}, classify("begin an upload of", key, err)
	}
	return DirectUpload{Key: key, ID: id}, nil
}

// PresignPart signs the address of one part (see DirectUploader).
func (s *Store) PresignPart(ctx context.Context, u DirectUpload, p DirectPart, validFor time.Duration) (PartAddress, error) {
	d, err := s.direct(u.Key)
	if err != nil {
		return PartAddress{}, err
	}
	if p.Number < 1 || p.Number > MaxUploadParts || p.Size < 1 || p.Size > maxPartBytes {
		return PartAddress{}, fault.New(fault.Invalid, "store-parts",
			"An upload has no part %d of %d bytes: expected 1 to %d, of 1 byte to 5 GiB.", p.Number, p.Size, MaxUploadParts)
	}
	address, err := d.PresignPart(ctx, u, p, validFor)
	if err != nil {
		return PartAddress{}, classify("sign an address of", u.Key, err)
	}
	return address, nil
}

// UploadedParts gives the parts that are there (see DirectUploader).
func (s *Store) UploadedParts(ctx context.Context, u DirectUpload) ([]DirectPart, error) {
	d, err := s.direct(u.Key)
	if err != nil {
		return nil, err
	}
	parts, err := d.UploadedParts(ctx, u)
	if err != nil {
		return nil, classify("list the parts of", u.Key, err)
	}
	return parts, nil
}

// CompleteUpload makes the parts an object (see DirectUploader).
func (s *Store) CompleteUpload(ctx context.Context, u DirectUpload, parts []DirectPart) (Object, error) {
	d, err := s.direct(u.Key)
	if err != nil {
		return Object{}, err
	}
	o, err := d.CompleteUpload(ctx, u, parts)
	if err != nil {
		return Object{}, classify("complete the upload of", u.Key, err)
	}
	return o, nil
}

// AbortUpload removes the parts (see DirectUploader).
func (s *Store) AbortUpload(ctx context.Context, u DirectUpload) error {
	d, err := s.direct(u.Key)
	if err != nil {
		return err
	}
	if err := d.AbortUpload(ctx, u); err != nil {
		return classify("abort the upload of", u.Key, err)
	}
	return nil
}
