package s3

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// failed gives an error of the SDK its kind. What is no answer and no network
// failure (a context, a body that failed) is passed on.
func (d *driver) failed(ctx context.Context, doing, key string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var answer *smithyhttp.ResponseError
	var api smithy.APIError
	status, code := 0, ""
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	if f := d.byAnswer(doing, key, status, code); f != nil {
		return f.Because(err)
	}
	var unsent *smithyhttp.RequestSendError
	if errors.As(err, &unsent) || errors.Is(err, io.ErrUnexpectedEOF) {
		return unreachable(doing, key).Because(err)
	}
	return err
}

// byAnswer maps the server's answer; nil when there was none, or a strange one.
func (d *driver) byAnswer(doing, key string, status int, code string) *fault.Error {
	switch code {
	case "NoSuchBucket":
		return fault.New(fault.NotFound, "store-not-found", "There is no bucket %q.", d.config.Bucket)
	case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
		return slowDown(doing, key)
	case "RequestTimeout":
		return unreachable(doing, key)
	case "RequestTimeTooSkewed":
		return fault.New(fault.Denied, "store-denied", "The clock of this machine is too far from that of S3; set it right.")
	case "ConditionalRequestConflict", "OperationAborted":
		return fault.New(fault.Busy, "store-conflict", "Another write of %q is under way; try again.", key)
	case "EntityTooLarge":
		return fault.New(fault.TooLarge, "store-too-large", "%q is larger than S3 allows.", key)
	case "KeyTooLongError":
		if doing != "write" {
			return objectstore.NotFound(key)
		}
		return fault.New(fault.Invalid, "store-key", "%q is too long together with the store's prefix.", key)
	}
	switch status {
	case http.StatusNotFound:
		return objectstore.NotFound(key)
	case http.StatusPreconditionFailed:
		return objectstore.Changed(key)
	case http.StatusForbidden, http.StatusUnauthorized:
		return fault.New(fault.Denied, "store-denied",
			"The bucket %q does not allow to %s %q; check the credentials, and s3:ListBucket as well as the object's permission.", d.config.Bucket, doing, key)
	case http.StatusConflict:
		return fault.New(fault.Busy, "store-conflict", "Another write of %q is under way; try again.", key)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return slowDown(doing, key)
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return fault.New(fault.Invalid, "store-region", "The bucket %q is in another region; set AWS_REGION to it.", d.config.Bucket)
	}
	if status >= 500 {
		return unreachable(doing, key)
	}
	return nil
}

func slowDown(doing, key string) *fault.Error {
	return fault.New(fault.Busy, "store-slow-down", "The store is too busy to %s %q; try again.", doing, key)
}

func unreachable(doing, key string) *fault.Error {
	return fault.New(fault.Busy, "store-unreachable", "The store gave no complete answer when asked to %s %q; try again.", doing, key)
}

// isStatus tells whether the server answered with this status.
func isStatus(err error, status int) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == status
}
