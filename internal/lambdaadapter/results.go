package lambdaadapter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// Results is where replies go that are too large to be returned in whole;
// *objectstore.Store is one.
type Results interface {
	CanPresign() bool
	Put(ctx context.Context, key string, body io.Reader, size int64, options objectstore.PutOptions) (objectstore.Object, error)
	PresignGet(ctx context.Context, key string, options objectstore.PresignOptions) (string, error)
}

// ResultsPrefix is where replies lie in the store. Nobody removes them: the
// bucket's lifecycle does, a day after at the earliest.
const ResultsPrefix = "results/"

// result is one reply on its way into the store. The function writes it while
// the handler makes it, so that memory stays bounded however large it is.
type result struct {
	key    string
	write  *io.PipeWriter
	stored chan error // takes one
}

// begin starts storing a reply whose first bytes are there already.
func begin(ctx context.Context, to Results, header http.Header, first []byte) *result {
	read, write := io.Pipe()
	r := &result{key: ResultsPrefix + uuid.NewString(), write: write, stored: make(chan error, 1)}
	go func() {
		_, err := to.Put(ctx, r.key, io.MultiReader(bytes.NewReader(first), read), -1,
			objectstore.PutOptions{ContentType: header.Get("Content-Type")})
		_ = read.CloseWithError(err) // a handler that still writes learns that it is in vain
		r.stored <- err
	}()
	return r
}

// end waits until the reply is stored. With an error nothing is.
func (r *result) end(err error) error {
	_ = r.write.CloseWithError(err) // never fails
	return <-r.stored
}

// address signs where the reply lies now.
func address(ctx context.Context, to Results, key string, header http.Header, validFor time.Duration) (string, error) {
	return to.PresignGet(ctx, key, objectstore.PresignOptions{
		ValidFor: validFor, ContentType: header.Get("Content-Type"), ContentDisposition: header.Get("Content-Disposition"),
		ContentEncoding: header.Get("Content-Encoding"), CacheControl: fmt.Sprintf("private, max-age=%d", int(validFor.Seconds())),
	})
}
