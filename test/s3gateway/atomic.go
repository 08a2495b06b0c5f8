package s3gateway

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3response"
)

// atomicReads makes the gateway answer reads as S3 does: with an ETag, a
// condition and bytes of one version. The folder backend looks up the ETag and
// opens the file in two steps, between which a write may come.
type atomicReads struct {
	backend.Backend
	keys sync.Map // bucket + "/" + key → *sync.RWMutex
}

func (a *atomicReads) of(bucket, key *string) *sync.RWMutex {
	lock, _ := a.keys.LoadOrStore(*bucket+"/"+*key, new(sync.RWMutex))
	return lock.(*sync.RWMutex)
}

// GetObject returns when the file is open; its bytes come later, and stay.
func (a *atomicReads) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	lock := a.of(in.Bucket, in.Key)
	lock.RLock()
	defer lock.RUnlock()
	return a.Backend.GetObject(ctx, in)
}

func (a *atomicReads) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	lock := a.of(in.Bucket, in.Key)
	lock.RLock()
	defer lock.RUnlock()
	return a.Backend.HeadObject(ctx, in)
}

func (a *atomicReads) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	lock := a.of(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	return a.Backend.PutObject(ctx, in)
}

func (a *atomicReads) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	lock := a.of(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	return a.Backend.CompleteMultipartUpload(ctx, in)
}

func (a *atomicReads) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	lock := a.of(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	return a.Backend.CopyObject(ctx, in)
}
