package s3

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// unreliable answers range reads of one object as S3 does on a bad day: 2 in
// 100 with 503, 1 with a reset before the answer and 1 with a reset in its middle.
type unreliable struct {
	data     []byte
	requests atomic.Int64
	faults   atomic.Int64

	mu   sync.Mutex // guards dice
	dice *rand.Rand
}

func (u *unreliable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.requests.Add(1)
	u.mu.Lock()
	n := u.dice.IntN(100)
	u.mu.Unlock()
	var first, last int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body := u.data[first : last+1]
	h := w.Header()
	h.Set("ETag", `"e"`)
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(u.data)))
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if n < 4 {
		u.faults.Add(1)
	}
	switch n {
	case 0, 1:
		h.Del("Content-Length")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<Error><Code>SlowDown</Code></Error>")
	case 2:
		reset(w)
	case 3:
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		reset(w)
	default:
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
	}
}

// reset ends the connection as a crashing server does.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	connection.Close()
}

// TestFaultsOfTheStoreReachNobody: not one of many reads fails, alone or in
// batches, and each fault costs exactly one more request.
func TestFaultsOfTheStoreReachNobody(t *testing.T) {
	for name, batch := range map[string]int{"single": 1, "batch": 12} {
		t.Run(name, func(t *testing.T) {
			u := &unreliable{data: make([]byte, 4<<20), dice: rand.New(rand.NewPCG(7, 7))}
			for i := range u.data {
				u.data[i] = byte(i * 31 >> 3)
			}
			server := httptest.NewServer(u)
			defer server.Close()
			s := objectstore.New(objectstore.Limit(objectstore.Coalesce(objectstore.Retry(driverOn(t, server.URL), objectstore.RetryPolicy{
				Attempts: 6,
				Sleep:    func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			}), 0), 64))
			const readers, reads = 8, 2400
			var group sync.WaitGroup
			for reader := range readers {
				group.Go(func() {
					dice := rand.New(rand.NewPCG(1, uint64(reader)))
					for range reads / readers / batch {
						readBatch(t, s, u.data, dice, batch)
					}
				})
			}
			group.Wait()
			if got, want := u.requests.Load(), reads+u.faults.Load(); got != want {
				t.Errorf("%d requests for %d reads with %d faults, want %d", got, reads, u.faults.Load(), want)
			}
			if u.faults.Load() < reads/50 {
				t.Errorf("only %d faults were put in", u.faults.Load())
			}
		})
	}
}

// readBatch reads ranges that can not be merged.
func readBatch(t *testing.T, s *objectstore.Store, data []byte, dice *rand.Rand, n int) {
	ranges := make([]source.Range, n)
	lane := int64(len(data) / n)
	for i := range ranges {
		length := dice.Int64N(20_000) + 1
		ranges[i] = source.Range{Offset: int64(i)*lane + dice.Int64N(lane-length-1), Length: length}
	}
	got, err := s.ReadRanges(t.Context(), "k", "e", ranges)
	if err != nil {
		t.Error(err)
		return
	}
	for i, r := range ranges {
		if !bytes.Equal(got[i], data[r.Offset:r.End()]) {
			t.Errorf("range %+v has other bytes", r)
		}
	}
}
