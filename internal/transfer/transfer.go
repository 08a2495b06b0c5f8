// Package transfer sends files to a service: in parts, several at once, straight
// to its bucket where it offers that, else in one request.
//
// An upload that was interrupted goes on where it was: its id is kept in a small
// file (Client.Folder), the service tells which parts are there, and only the
// others are sent. Every part is checked by its CRC-32C, by the store when it
// arrives and here when it was sent earlier, so that a file that was changed in
// between is not put together from two.
package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/fault"
)

// Client sends files to one service. It is safe for concurrent use.
type Client struct {
	Server   string // http://host:port, with the base path if there is one
	Token    string // for Authorization: Bearer at the service; never sent to the store
	Folder   string // of the state of uploads that are under way; "" keeps none
	Parallel int    // parts on their way at once
	HTTP     *http.Client
	// Pause waits before another attempt, or returns the context's error.
	Pause func(ctx context.Context, attempt int) error
}

// New makes a client of the service at server.
func New(server, token, folder string, parallel int) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = parallel
	transport.ResponseHeaderTimeout = 10 * time.Minute // a store may work on the end of an upload
	return &Client{
		Server: strings.TrimSuffix(server, "/"), Token: token, Folder: folder, Parallel: max(parallel, 1),
		HTTP: &http.Client{Transport: transport}, Pause: pause,
	}
}

// pause doubles from a quarter of a second.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(250 * time.Millisecond << min(attempt, 6))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sent is what became of a file.
type Sent struct {
	ID    string // of the slide that it becomes
	Path  string
	Parts int // that were sent now; 0 for one request
	Found int // parts that were there already
}

// Send sends a file. progress is told, from several goroutines, how many bytes
// of the file are there.
func (c *Client) Send(ctx context.Context, path string, progress func(done, size int64)) (Sent, error) {
	file, err := os.Open(path)
	if err != nil {
		return Sent{}, fault.New(fault.NotFound, "upload-file", "%s can not be read: name a file that exists.", path).Because(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Sent{}, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return Sent{}, fault.New(fault.Invalid, "upload-file", "%s is empty or no file.", path)
	}
	var offer struct {
		Direct   bool  `json:"direct"`
		MaxBytes int64 `json:"maxBytes"`
	}
	if err := c.call(ctx, http.MethodGet, "/uploads", nil, &offer); err != nil {
		return Sent{}, err
	}
	if info.Size() > offer.MaxBytes {
		return Sent{}, fault.New(fault.TooLarge, "upload-too-large", "%s has %d bytes; the service takes %d.", path, info.Size(), offer.MaxBytes)
	}
	u := &sending{client: c, file: file, name: filepath.Base(path), size: info.Size(), progress: progress}
	if !offer.Direct {
		return u.whole(ctx)
	}
	u.state = stateOf(c.Folder, c.Server, path, info)
	return u.inParts(ctx)
}

// sending is one file on its way.
type sending struct {
	client   *Client
	file     io.ReaderAt
	name     string
	size     int64
	progress func(done, size int64)
	state    state
	upload   upload
	done     atomic.Int64
}

func (u *sending) add(n int64) { u.progress(u.done.Add(n), u.size) }

// inParts goes on with the upload that the state names, or begins one.
func (u *sending) inParts(ctx context.Context) (Sent, error) {
	if err := u.resume(ctx); err != nil {
		return Sent{}, err
	}
	if u.upload.ID == "" {
		if err := u.begin(ctx); err != nil {
			return Sent{}, err
		}
	}
	there := map[int]part{}
	for _, p := range u.upload.Parts {
		there[p.Number] = p
	}
	parts := make([]part, u.upload.PartCount)
	var sent, found atomic.Int64
	group, ctx2 := errgroup.WithContext(ctx)
	group.SetLimit(u.client.Parallel)
	for n := 1; n <= u.upload.PartCount && ctx2.Err() == nil; n++ {
		group.Go(func() error {
			sum, err := u.checksum(n)
			if err != nil {
				return err
			}
			if old, ok := there[n]; ok && old.Checksum == sum {
				parts[n-1] = old
				found.Add(1)
				u.add(u.sizeOf(n))
				return nil
			}
			parts[n-1], err = u.send(ctx2, part{Number: n, Checksum: sum})
			sent.Add(1)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Sent{}, err
	}
	var slide struct{ ID, Path string }
	for i := range parts { // what the service wants to know of each
		parts[i] = part{Number: parts[i].Number, ETag: parts[i].ETag, Checksum: parts[i].Checksum}
	}
	if err := u.client.call(ctx, http.MethodPost, "/uploads/"+u.upload.ID+"/complete", partList{parts}, &slide); err != nil {
		return Sent{}, err
	}
	u.state.remove()
	return Sent{ID: slide.ID, Path: slide.Path, Parts: int(sent.Load()), Found: int(found.Load())}, nil
}

func (u *sending) begin(ctx context.Context) error {
	err := u.client.call(ctx, http.MethodPost, "/uploads", beginning{Name: u.name, Size: u.size, Checksum: "CRC32C"}, &u.upload)
	if err != nil {
		return err
	}
	if u.upload.PartSize < 1 || u.upload.PartCount != int((u.size+u.upload.PartSize-1)/u.upload.PartSize) {
		return fault.New(fault.Internal, "upload-answer", "The service answered with %d parts of %d bytes for %d bytes.", u.upload.PartCount, u.upload.PartSize, u.size)
	}
	return u.state.write(u.upload.ID)
}

// resume asks what is there of an upload that was interrupted. One that is not
// under way any more, or of another size, is begun anew.
func (u *sending) resume(ctx context.Context) error {
	id := u.state.read()
	if id == "" {
		return nil
	}
	err := u.client.call(ctx, http.MethodGet, "/uploads/"+id, nil, &u.upload)
	if fault.KindOf(err) == fault.NotFound || err == nil && u.upload.Size != u.size {
		u.upload = upload{}
		return nil
	}
	return err
}

func (u *sending) sizeOf(n int) int64 {
	return min(u.upload.PartSize, u.size-int64(n-1)*u.upload.PartSize)
}

// section reads part n of the file.
func (u *sending) section(n int) *io.SectionReader {
	return io.NewSectionReader(u.file, int64(n-1)*u.upload.PartSize, u.sizeOf(n))
}

// attempts is how often a part is sent before the upload is given up for now.
const attempts = 6

// send puts a part to where the service says; each attempt has an address of its
// own, since the last one may have expired.
func (u *sending) send(ctx context.Context, p part) (part, error) {
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			if waited := u.client.Pause(ctx, attempt-1); waited != nil {
				return part{}, waited
			}
		}
		var answer upload
		if err = u.client.call(ctx, http.MethodPost, "/uploads/"+u.upload.ID+"/parts", partList{[]part{p}}, &answer); err != nil {
			return part{}, err // call has tried again by itself
		}
		if len(answer.Parts) != 1 {
			return part{}, fault.New(fault.Internal, "upload-answer", "The service gave %d addresses for one part.", len(answer.Parts))
		}
		if p.ETag, err = u.put(ctx, answer.Parts[0]); err == nil {
			return p, nil
		}
		if ctx.Err() != nil || errors.Is(err, errFile) {
			return part{}, err
		}
	}
	return part{}, fault.New(fault.Busy, "upload-part", "Part %d could not be sent; run the command again to go on.", p.Number).Because(err)
}
