package slide

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/source"
)

const (
	// maxAheadTiles bounds how many tiles one request brings besides those that
	// were asked for, whatever their size.
	maxAheadTiles = 64
	// maxRunBytes bounds one request: beyond it, two side by side are faster.
	maxRunBytes = 8 << 20
	// maxAheadRuns bounds how many requests that read ahead are under way.
	maxAheadRuns = 64
	// maxAheadGap is what may lie between two tiles that are read as one: the
	// headers of DICOM frames, the leaders of GDAL's COGs.
	maxAheadGap = 64
	// aheadTimeout ends a request that nobody waits for any more.
	aheadTimeout = 30 * time.Second
)

// ahead reads the tiles that lie behind those asked for into the cache. In most
// slides the tiles of a row are neighbours in the file, so that one longer request
// brings what a viewer that pans asks for next. The tiles asked for come first
// in it and are handed over as soon as they are there: nobody waits for the rest.
// There are never more requests than without, only longer ones. It is safe for
// concurrent use.
type ahead struct {
	bytes int64        // of the tiles read ahead by one request, at most
	kept  *cache.Cache // where they wait to be asked for

	mu     sync.Mutex // guards the rest, and the counters of every run
	coming map[string]*comingTile
	runs   int
}

// newAhead gives nil, which reads nothing ahead, for 0 bytes.
func newAhead(bytes int64, kept *cache.Cache) *ahead {
	if bytes <= 0 {
		return nil
	}
	return &ahead{bytes: bytes, kept: kept, coming: make(map[string]*comingTile)}
}

// run is one request for tiles that are neighbours in a source.
type run struct {
	source  int
	tiles   []*comingTile // in order of their offsets
	cancel  context.CancelFunc
	waiting int // who wait for a tile of it
	owed    int // tiles that were asked for and have not come
}

// comingTile is a tile of a run.
type comingTile struct {
	run    *run
	key    string
	extent formats.Extent
	asked  bool // it was asked for, and not only read ahead
	keep   bool // into the cache
	done   chan struct{}
	data   []byte // once done; nil when it did not come
}

// ReadPlaneTiles is ReadTiles for the numbered tiles of one plane of a level,
// whose extents Locate gave. Where reading ahead is configured, it may bring the
// next tiles of the last one's row as well. The bytes must not be changed.
func (s *Slide) ReadPlaneTiles(ctx context.Context, level int, plane formats.Plane, tiles []int, extents []formats.Extent) ([][]byte, error) {
	if s.ahead == nil || len(tiles) != len(extents) {
		return s.ReadTiles(ctx, extents)
	}
	return s.ahead.read(ctx, s, level, plane, tiles, extents)
}

func (a *ahead) read(ctx context.Context, s *Slide, level int, plane formats.Plane, tiles []int, extents []formats.Extent) ([][]byte, error) {
	defer timing.Start(ctx, timing.Read).Stop()
	out := make([][]byte, len(extents))
	waits, runs := a.plan(s, level, plane, tiles, extents, out)
	defer a.leave(waits)
	for _, r := range runs {
		runCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aheadTimeout)
		a.start(r, cancel)
		go a.bring(runCtx, s, r)
	}
	var failed []int
	for i, c := range waits {
		if c == nil {
			continue
		}
		select {
		case <-c.done:
			if out[i] = c.data; c.data == nil {
				failed = append(failed, i)
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, a.readFailed(ctx, s, extents, failed, out)
}

// readFailed reads what a run did not bring in the usual way, which tries again
// and tells why it does not work.
func (a *ahead) readFailed(ctx context.Context, s *Slide, extents []formats.Extent, failed []int, out [][]byte) error {
	if len(failed) == 0 {
		return nil
	}
	again := make([]formats.Extent, len(failed))
	for n, i := range failed {
		again[n] = extents[i]
	}
	got, err := s.ReadTiles(ctx, again)
	if err != nil {
		return err
	}
	for n, i := range failed {
		out[i] = got[n]
	}
	return nil
}

// plan fills out with what is in the cache, and gives for every other tile the
// coming one to wait for, and the runs to start for those.
func (a *ahead) plan(s *Slide, level int, plane formats.Plane, tiles []int, extents []formats.Extent, out [][]byte) (waits []*comingTile, runs []*run) {
	waits = make([]*comingTile, len(extents))
	a.mu.Lock()
	defer a.mu.Unlock()
	var last *run
	lastTile := 0
	finish := func() {
		if last != nil {
			a.extend(s, level, plane, lastTile, last)
			last = nil
		}
	}
	for i, e := range extents {
		if e.Blank {
			continue
		}
		key := s.tileKey(e)
		if data, ok := a.kept.Peek(key); ok {
			out[i] = data
			continue
		}
		if c, ok := a.coming[key]; ok {
			c.run.waiting++
			waits[i] = c
			continue
		}
		if last == nil || !last.adjoins(e) {
			finish()
			last = &run{source: e.Source}
			runs = append(runs, last)
		}
		// Tiles that other pictures need too are kept; a single one is the answer
		// itself, and is kept as that.
		waits[i] = a.add(last, &comingTile{key: key, extent: e, asked: true, keep: len(extents) > 1})
		last.waiting, last.owed, lastTile = last.waiting+1, last.owed+1, tiles[i]
	}
	finish()
	return waits, runs
}

// add is called with mu held.
func (a *ahead) add(r *run, c *comingTile) *comingTile {
	c.run, c.done = r, make(chan struct{})
	r.tiles = append(r.tiles, c)
	a.coming[c.key] = c
	return c
}

// end is the offset behind the run's last tile.
func (r *run) end() int64 {
	last := r.tiles[len(r.tiles)-1].extent
	return last.Offset + last.Length
}

// adjoins tells whether an extent can be the run's next.
func (r *run) adjoins(e formats.Extent) bool {
	gap := e.Offset - r.end()
	bytes := e.Offset + e.Length - r.tiles[0].extent.Offset
	return e.Source == r.source && gap >= 0 && gap <= maxAheadGap && bytes <= maxRunBytes
}

// extend adds the tiles behind the run's last one to it, as far as they are in
// the same row and known without a read. It is called with mu held.
func (a *ahead) extend(s *Slide, level int, plane formats.Plane, tile int, r *run) {
	if a.runs >= maxAheadRuns {
		return
	}
	across := s.manifest.Description.Levels[level].TilesAcross()
	page, ok := s.pageInMemory(level, plane, tile)
	bytes := a.bytes
	for n := 1; ok && n <= maxAheadTiles && (tile+n)%across != 0; n++ {
		next := tile + n
		if next%TilesPerPage == 0 {
			return // of the next page
		}
		e, err := s.checked(entryAt(page, next%TilesPerPage), level, next)
		if err == nil && e.Blank {
			continue
		}
		if bytes -= e.Length; err != nil || bytes < 0 || !r.adjoins(e) {
			return
		}
		key := s.tileKey(e)
		if _, there := a.kept.Peek(key); there || a.coming[key] != nil {
			return
		}
		a.add(r, &comingTile{key: key, extent: e, keep: true})
	}
}

func (a *ahead) start(r *run, cancel context.CancelFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	r.cancel = cancel
}

// leave counts out who waited. A run that still owes tiles which nobody waits
// for any more is cancelled; one that only reads ahead goes on.
func (a *ahead) leave(waits []*comingTile) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range waits {
		if c == nil {
			continue
		}
		if c.run.waiting--; c.run.waiting == 0 && c.run.owed > 0 && c.run.cancel != nil {
			c.run.cancel()
		}
	}
}

// bring reads a run; whatever happens, every tile of it is landed.
func (a *ahead) bring(ctx context.Context, s *Slide, r *run) {
	landed := 0
	defer func() {
		r.cancel()
		for _, c := range r.tiles[landed:] {
			a.land(c, nil)
		}
		a.mu.Lock()
		a.runs--
		a.mu.Unlock()
	}()
	store, key, err := s.stores.of(s.manifest.Sources[r.source])
	if err != nil {
		return
	}
	at := r.tiles[0].extent.Offset
	body, err := store.Stream(ctx, key, s.manifest.Sources[r.source].ETag, source.Range{Offset: at, Length: r.end() - at})
	if err != nil {
		return
	}
	defer body.Close()
	for _, c := range r.tiles {
		if gap := c.extent.Offset - at; gap > 0 {
			if _, err := io.CopyN(io.Discard, body, gap); err != nil {
				return
			}
		}
		data := make([]byte, c.extent.Length)
		if _, err := io.ReadFull(body, data); err != nil {
			return
		}
		at = c.extent.Offset + c.extent.Length
		landed++
		a.land(c, data)
	}
}

// land hands a tile to who waits for it. It is in the cache before it is no
// longer coming, so that nobody reads it a second time in between.
func (a *ahead) land(c *comingTile, data []byte) {
	if data != nil && c.keep {
		data = a.kept.Put(c.key, data)
	}
	c.data = data
	a.mu.Lock()
	delete(a.coming, c.key)
	if c.asked {
		c.run.owed--
	}
	a.mu.Unlock()
	close(c.done)
}

// tileKey names a tile's stored bytes in the cache.
func (s *Slide) tileKey(e formats.Extent) string {
	b := make([]byte, 0, 128)
	b = append(append(append(append(b, "stored:"...), s.id...), ':'), s.manifest.Version...)
	b = strconv.AppendInt(append(b, ':'), int64(e.Source), 10)
	return string(strconv.AppendInt(append(b, ':'), e.Offset, 10))
}

// pageInMemory is the page of a tile that was just located; ok is false when it
// would have to be read.
func (s *Slide) pageInMemory(level int, plane formats.Plane, tile int) (page []byte, ok bool) {
	start, length := s.pageOf(level, plane, tile)
	if end := start + int64(length); end <= int64(len(s.coarse)) {
		return s.coarse[start:end], true
	}
	return s.pages.Peek(s.pageKey(start))
}
