package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// PresignGet signs an address for others; it needs s3:GetObject of the object,
// when it is used. Unlike the addresses that range reads go by, it is not kept,
// and what the answer's headers say is part of it.
func (d *driver) PresignGet(ctx context.Context, key string, options objectstore.PresignOptions) (string, error) {
	input := d.getInput(key)
	input.ResponseContentType = given(options.ContentType)
	input.ResponseContentDisposition = given(options.ContentDisposition)
	input.ResponseContentEncoding = given(options.ContentEncoding)
	input.ResponseCacheControl = given(options.CacheControl)
	signed, err := d.forOthers.PresignGetObject(ctx, input, func(o *s3.PresignOptions) {
		o.Expires = options.ValidFor
		o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) {
			// It would be a header that a browser does not send.
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})
	})
	if err != nil {
		return "", d.failed(ctx, "sign an address of", key, err)
	}
	return signed.URL, nil
}

// given is nil for nothing.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
