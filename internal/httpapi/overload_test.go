package httpapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// stalled is a store whose range reads wait until their context ends or they
// are let go.
type stalled struct {
	objectstore.Driver
	on        atomic.Bool
	begun     atomic.Int64
	ended     atomic.Int64
	cancelled atomic.Int64
	letGo     chan struct{}
}

func (d *stalled) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	if !d.on.Load() {
		return d.Driver.ReadRanges(ctx, key, etag, ranges)
	}
	d.begun.Add(1)
	defer d.ended.Add(1)
	select {
	case <-d.letGo:
		return d.Driver.ReadRanges(ctx, key, etag, ranges)
	case <-ctx.Done():
		d.cancelled.Add(1)
		return nil, ctx.Err()
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func TestReadsEndWhenAllClientsAreGone(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	s.get("/image/"+path+"/info").want(t, http.StatusOK)
	store := &stalled{Driver: s.slides.Driver, letGo: make(chan struct{})}
	s.slides.Driver = store
	store.on.Store(true)
	gone, leave := context.WithCancel(context.Background())
	ask := func(ctx context.Context, tile int) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/image/%s/tile/level/0/ti/%d.jpg", s.url, path, tile), nil)
		if err != nil {
			panic(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}
	const tiles = 5
	stays := make(chan struct{})
	go func() {
		defer close(stays)
		ask(context.Background(), 0)
	}()
	// Who stays reads first: whether the one who leaves has joined that read by
	// then or not, it goes on. All other tiles have one asker, who is known to read.
	until(t, "the tile of the one who stays is being read", func() bool { return store.begun.Load() == 1 })
	for tile := range tiles {
		go ask(gone, tile)
	}
	until(t, "every tile is being read", func() bool { return store.begun.Load() == tiles })
	leave()
	until(t, "reads that nobody waits for have ended", func() bool { return store.ended.Load() >= tiles-1 })
	if n := store.cancelled.Load(); n != tiles-1 {
		t.Errorf("%d of %d reads were cancelled, want all but the one that somebody waits for", n, tiles)
	}
	close(store.letGo)
	<-stays
	if begun := store.begun.Load(); begun != tiles {
		t.Errorf("%d reads for %d tiles", begun, tiles)
	}
}

func TestOverloadIsToldAtOnceAndHealthIsNot(t *testing.T) {
	s := newServiceRendering(t, "", render.Config{Concurrency: 1, Queue: 1, MaxPixels: 1 << 28, MaxMemory: 1 << 28, MaxTile: 1 << 24})
	path := s.own("svs/rgb-240.svs")
	tile := func(n int) string { return fmt.Sprintf("/image/%s/tile/level/0/ti/%d.png", path, n) }
	var asked sync.WaitGroup
	finish, drawing := make(chan struct{}), make(chan struct{})
	asked.Go(func() {
		_, _ = s.renderer.Make(context.Background(), 1, 1, 1, func() (*pixel.Raster, error) {
			close(drawing)
			<-finish
			return nil, nil
		})
	})
	<-drawing // the one slot is taken
	var statuses [2]atomic.Int64
	for n := range statuses { // one of two tiles waits in the one place of the queue
		asked.Go(func() {
			if response, err := http.Get(s.url + tile(n)); err == nil {
				response.Body.Close()
				statuses[n].Store(int64(response.StatusCode))
			}
		})
	}
	until(t, "one is refused", func() bool {
		return statuses[0].Load() == http.StatusServiceUnavailable || statuses[1].Load() == http.StatusServiceUnavailable
	})
	s.slides.Reset()
	for _, url := range []string{tile(2), "/image/" + path + "/normalized-tile/level/0/ti/0.jpg"} {
		got := s.get(url).want(t, http.StatusServiceUnavailable)
		if got.Header.Get("Retry-After") == "" || got.Header.Get("ETag") != "" {
			t.Errorf("%s: 503 has Retry-After %q and ETag %q", url, got.Header.Get("Retry-After"), got.Header.Get("ETag"))
		}
	}
	if reads := s.slides.Reads(); len(reads) != 0 {
		t.Errorf("for refused pictures %v was read", reads)
	}
	s.get("/ping").want(t, http.StatusOK)
	s.get("/image/"+path+"/info").want(t, http.StatusOK)
	s.get("/image/"+path+"/tile/level/0/ti/0.jpg").want(t, http.StatusOK) // sent as it is stored
	close(finish)
	asked.Wait()
	s.get(tile(2)).want(t, http.StatusOK)
}

func TestHotTileAllocatesLittle(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	handler := telemetry.Access(s.handler, slog.New(slog.DiscardHandler))
	request := httptest.NewRequest(http.MethodGet, "/image/"+path+"/tile/level/0/ti/3.jpg", nil)
	first := httptest.NewRecorder()
	handler.ServeHTTP(first, request)
	for name, row := range map[string]struct {
		tag    string
		status int
		most   float64
	}{
		"from memory":  {"", http.StatusOK, 14},
		"not modified": {first.Header().Get("ETag"), http.StatusNotModified, 11},
	} {
		if row.tag != "" {
			request.Header.Set("If-None-Match", row.tag)
		} else {
			request.Header.Del("If-None-Match")
		}
		w := &discard{}
		allocations := testing.AllocsPerRun(200, func() {
			*w = discard{header: http.Header{}}
			handler.ServeHTTP(w, request)
		})
		if w.status != row.status {
			t.Fatalf("%s: status %d, want %d", name, w.status, row.status)
		}
		t.Logf("%s: %.0f allocations", name, allocations)
		if allocations > row.most {
			t.Errorf("a tile %s costs %.0f allocations, want at most %.0f", name, allocations, row.most)
		}
	}
}

// discard keeps nothing of an answer but status and headers.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
