package s3

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Tiles are read with many short requests at once; the standard library's two
// idle connections a host would mean a handshake each.
const (
	idleConnections     = 512
	idleConnectionsHost = 256
)

// clientOf is the HTTP client that the SDK's configuration brings (with the
// certificates of AWS_CA_BUNDLE, for example), as far as it can be adapted.
func clientOf(sdk aws.Config) (client *awshttp.BuildableClient, ok bool) {
	if sdk.HTTPClient == nil {
		return awshttp.NewBuildableClient(), true
	}
	client, ok = sdk.HTTPClient.(*awshttp.BuildableClient)
	return client, ok
}

// patientClient waits so long for the first byte of an answer.
func patientClient(client *awshttp.BuildableClient, timeout time.Duration) *awshttp.BuildableClient {
	return client.WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = timeout
		t.MaxIdleConns = idleConnections
		t.MaxIdleConnsPerHost = idleConnectionsHost
	})
}

// quickTransport is shared by the presigned range reads and the SDK, so that the
// first tile after a slide's sidecar finds a connection. HTTP/1.1, because one
// connection a request beats many streams on one, and no compression, because
// tiles are compressed and a range must be the bytes themselves.
func quickTransport(client *awshttp.BuildableClient, timeout time.Duration) http.RoundTripper {
	t := patientClient(client, timeout).GetTransport()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	t.DisableCompression = true
	return t
}

// sdkClient gives the SDK a transport. A redirect is no answer: it means another
// region, for which the request would have to be signed again.
func sdkClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
