package s3

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// signatureLife is how long S3 accepts a presigned URL, 15 minutes being
	// what it accepts of a signature in a header as well. It is used for a third
	// of that, so that neither a clock that is minutes off nor a request that
	// waits to be tried again meets its end.
	signatureLife = 15 * time.Minute
	renewAfter    = signatureLife / 3
	neverUseAfter = signatureLife - time.Minute
	// presignPause is for how long the SDK reads everything after presigned URLs
	// were refused where its own signature was not: by a bucket policy on
	// s3:authType or s3:signatureAge, for example.
	presignPause = 10 * time.Minute
	// maxSigned bounds how many objects' URLs are kept; one takes about 2 KiB.
	maxSigned = 4096
)

// signer makes and keeps one presigned URL an object. Range and If-Match are
// not part of the signature: S3 demands only Host to be signed, and heeds the
// other headers all the same. It is safe for concurrent use.
type signer struct {
	client      *s3.PresignClient
	credentials aws.CredentialsProvider
	transport   http.RoundTripper
	now         func() time.Time
	pausedUntil atomic.Int64 // Unix nanoseconds

	mu   sync.RWMutex // guards urls
	urls map[string]*signedURL
}

// newSigner gives nil where presigned URLs can not be used: with an HTTP client
// that is not ours, and for directory buckets, whose sessions the SDK keeps.
func newSigner(client *s3.Client, bucket string, transport http.RoundTripper, now func() time.Time) *signer {
	credentials := client.Options().Credentials
	if transport == nil || credentials == nil || strings.HasSuffix(bucket, "--x-s3") {
		return nil
	}
	return &signer{
		client: s3.NewPresignClient(client, s3.WithPresignExpires(signatureLife), func(o *s3.PresignOptions) {
			o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) {
				// It would have to be sent with every range, which has no checksum.
				o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			})
		}),
		credentials: credentials,
		transport:   transport,
		now:         now,
		urls:        make(map[string]*signedURL),
	}
}

// signedURL is one object's URL; nothing in it changes but the two flags.
type signedURL struct {
	request  *http.Request // without a context and of no use on its own
	header   http.Header   // what was signed besides Host: nothing, as a rule
	by       aws.Credentials
	signedAt time.Time
	proven   atomic.Bool // S3 has accepted it
	renewing atomic.Bool // somebody makes its successor
}

// of gives the URL of an object, nil when there is none to be had: the SDK then
// tells the reason, if there is one. The credentials are asked for each time, so
// that they are refreshed as for any other request, and a URL does not outlive
// those it was signed with.
func (s *signer) of(ctx context.Context, input *s3.GetObjectInput) *signedURL {
	if s == nil {
		return nil
	}
	now := s.now()
	if now.UnixNano() < s.pausedUntil.Load() {
		return nil
	}
	by, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return nil
	}
	s.mu.RLock()
	u := s.urls[*input.Key]
	s.mu.RUnlock()
	if u != nil && u.good(by, now) {
		return u
	}
	if u, err = s.sign(ctx, input, by, now); err != nil {
		return nil
	}
	s.keep(*input.Key, u)
	return u
}

// keep makes room by dropping what would be signed anew anyway, and, if there
// is none of that, a quarter of the rest: signing costs less than keeping order.
func (s *signer) keep(key string, u *signedURL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.urls) >= maxSigned {
		maps.DeleteFunc(s.urls, func(_ string, old *signedURL) bool { return u.signedAt.Sub(old.signedAt) >= renewAfter })
		for old := range s.urls {
			if len(s.urls) < maxSigned-maxSigned/4 {
				break
			}
			delete(s.urls, old)
		}
	}
	s.urls[key] = u
}

// good tells whether the URL is to be used. When it is due to be renewed, one
// asker is told no and makes a new one while the others go on with it.
func (u *signedURL) good(by aws.Credentials, now time.Time) bool {
	if u.by.AccessKeyID != by.AccessKeyID || u.by.SessionToken != by.SessionToken {
		return false
	}
	// A clock that was set back makes the age negative, or the signature one of
	// the future, which S3 refuses.
	age := now.Sub(u.signedAt)
	if age < 0 || age >= neverUseAfter {
		return false
	}
	return age < renewAfter || !u.renewing.CompareAndSwap(false, true)
}

func (s *signer) sign(ctx context.Context, input *s3.GetObjectInput, by aws.Credentials, now time.Time) (*signedURL, error) {
	signed, err := s.client.PresignGetObject(ctx, input, func(o *s3.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) {
			o.Credentials = credentialsNow(by)
		})
	})
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(signed.URL)
	if err != nil {
		return nil, err
	}
	header := signed.SignedHeader.Clone()
	header.Del("Host")
	return &signedURL{
		request: &http.Request{
			Method: http.MethodGet, URL: address, Host: address.Host,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		},
		header: header, by: by, signedAt: now,
	}, nil
}

// credentialsNow gives those that were looked at, not newer ones.
func credentialsNow(c aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

// refused is told when S3 did not accept a URL but the SDK's own request for
// the same. One that had worked is replaced; one that never did shows that the
// next would not either.
func (s *signer) refused(key string, u *signedURL) {
	s.mu.Lock()
	if s.urls[key] == u {
		delete(s.urls, key)
	}
	s.mu.Unlock()
	if !u.proven.Load() {
		s.pausedUntil.Store(s.now().Add(presignPause).UnixNano())
	}
}
