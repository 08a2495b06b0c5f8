package slide_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config/units"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// panned is an open slide whose tiles of level 0 are read one after the other.
type panned struct {
	t      *testing.T
	record *recording.Driver
	open   *slide.Slide
	across int
}

// pan opens a slide of so many tiles with a store over driver, or, if that is
// nil, over memory.
func pan(t *testing.T, across, down int, readAhead units.Bytes, wrap func(objectstore.Driver) objectstore.Driver) *panned {
	t.Helper()
	s := newStored(t, []formats.Level{{Width: across * 256, Height: down * 256, TileWidth: 256, TileHeight: 256}}, "")
	var driver objectstore.Driver = s.record
	if wrap != nil {
		driver = wrap(driver)
	}
	kept, err := cache.New(4 << 20)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := slide.NewCatalog(slide.Stores{Slides: objectstore.New(objectstore.Coalesce(driver, 0))}, kept,
		slide.Config{Open: 1, Recheck: time.Hour, ReadAhead: readAhead})
	if err != nil {
		t.Fatal(err)
	}
	open, err := catalog.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.record.Reset()
	return &panned{t: t, record: s.record, open: open, across: across}
}

// read asks for tiles as one batch and checks what they are.
func (p *panned) read(ctx context.Context, tiles ...int) error {
	extents := make([]formats.Extent, len(tiles))
	for i, n := range tiles {
		e, err := p.open.Locate(ctx, 0, formats.Plane{}, n)
		if err != nil {
			return err
		}
		extents[i] = e
	}
	got, err := p.open.ReadPlaneTiles(ctx, 0, formats.Plane{}, tiles, extents)
	if err != nil {
		return err
	}
	for i, n := range tiles {
		if want := fmt.Sprintf("A0/%-*d", tileBytes-3, n%10_000); string(got[i]) != want {
			return fmt.Errorf("tile %d is %q, want %q", n, got[i], want)
		}
	}
	return nil
}

// locate reads the page of the index that a tile stands in, and forgets that.
func (p *panned) locate(tile int) {
	p.t.Helper()
	if _, err := p.open.Locate(p.t.Context(), 0, formats.Plane{}, tile); err != nil {
		p.t.Fatal(err)
	}
	p.record.Reset()
}

func (p *panned) want(tiles ...int) {
	p.t.Helper()
	if err := p.read(p.t.Context(), tiles...); err != nil {
		p.t.Fatal(err)
	}
}

// tilesRead is a read of tiles that are neighbours.
func tilesRead(first, count int) recording.Read {
	return recording.Read{Key: id.SourceKey("slide.tif"), Offset: int64(first * tileBytes), Length: int64(count * tileBytes)}
}

func TestPanOverAHundredTiles(t *testing.T) {
	// One row of 100 tiles, each asked for when the one before has come.
	without := pan(t, 100, 2, 0, nil)
	var each []recording.Read
	for n := range 100 {
		without.want(n)
		each = append(each, tilesRead(n, 1))
	}
	if diff := cmp.Diff(each, without.record.Reads()); diff != "" {
		t.Errorf("without read-ahead (-want +got):\n%s", diff)
	}
	with := pan(t, 100, 2, 9*tileBytes, nil) // nine tiles besides the one asked for
	var runs []recording.Read
	for n := range 100 {
		with.want(n)
		if n%10 == 0 {
			runs = append(runs, tilesRead(n, 10))
		}
	}
	if diff := cmp.Diff(runs, with.record.Reads()); diff != "" {
		t.Errorf("with read-ahead (-want +got):\n%s", diff)
	}
	// The row's end is the end: tile 99 brought nothing of the next row.
	with.record.Reset()
	with.want(100)
	if diff := cmp.Diff([]recording.Read{tilesRead(100, 10)}, with.record.Reads()); diff != "" {
		t.Errorf("first tile of the next row (-want +got):\n%s", diff)
	}
}

// TestPanOfAScreen moves a window of 8×5 tiles as a person does: to the right,
// down, to the left and up again, with what the browser has not asked for again.
func TestPanOfAScreen(t *testing.T) {
	for _, test := range []struct {
		ahead units.Bytes
		most  float64 // requests a tile
	}{{0, 1}, {14 * tileBytes, 0.4}} {
		p := pan(t, 60, 40, test.ahead, nil)
		seen := map[int]bool{}
		show := func(x, y int) {
			for row := y; row < y+5; row++ {
				for column := x; column < x+8; column++ {
					if n := row*p.across + column; !seen[n] {
						seen[n] = true
						p.want(n)
					}
				}
			}
		}
		x, y := 20, 10
		show(x, y)
		for _, step := range [][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}, {1, 0}} {
			for range 12 {
				x, y = x+step[0], y+step[1]
				show(x, y)
			}
		}
		cost := float64(len(p.record.Reads())) / float64(len(seen))
		t.Logf("READ_AHEAD %d bytes: %d tiles, %d requests, %.2f a tile", test.ahead, len(seen), len(p.record.Reads()), cost)
		if cost > test.most || test.ahead == 0 && cost != 1 {
			t.Errorf("%.2f requests a tile, want at most %.2f", cost, test.most)
		}
	}
}

func TestRegionIsReadInRows(t *testing.T) {
	five := []int{}
	for row := range 5 {
		for column := range 5 {
			five = append(five, (3+row)*40+7+column)
		}
	}
	rows := func(count int) (want []recording.Read) {
		for row := range 5 {
			want = append(want, tilesRead((3+row)*40+7, count))
		}
		return want
	}
	without := pan(t, 40, 20, 0, nil)
	without.want(five...)
	if diff := cmp.Diff(rows(5), without.record.Reads()); diff != "" {
		t.Errorf("5×5 tiles without read-ahead (-want +got):\n%s", diff)
	}
	with := pan(t, 40, 20, 6*tileBytes, nil)
	with.want(five...)
	got := map[recording.Read]bool{}
	for _, r := range with.record.Reads() { // side by side, in no order
		got[r] = true
	}
	for _, r := range rows(11) {
		if !got[r] || len(got) != 5 {
			t.Errorf("5×5 tiles with read-ahead cost %v, want %v among them", with.record.Reads(), r)
		}
	}
	with.record.Reset()
	with.want(five...) // what several pictures need is kept
	with.want(3*40+12, 3*40+13, 4*40+12, 4*40+13)
	if reads := with.record.Reads(); len(reads) != 0 {
		t.Errorf("tiles that were read already cost %v", reads)
	}
}

// slowly gives streams whose bytes come when they are let go.
type slowly struct {
	objectstore.Driver
	allow  chan int // how many bytes may come
	fails  error    // instead of the bytes that are not allowed
	opened chan struct{}
	ended  chan error // the stream's context, when it ended first
}

func (s *slowly) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	body, err := s.Driver.Stream(ctx, key, etag, r)
	if s.opened != nil {
		s.opened <- struct{}{}
	}
	return &slowBody{ReadCloser: body, ctx: ctx, s: s}, err
}

type slowBody struct {
	io.ReadCloser
	ctx     context.Context
	s       *slowly
	allowed int
}

func (b *slowBody) Read(p []byte) (int, error) {
	for b.allowed == 0 {
		select {
		case n, ok := <-b.s.allow:
			if !ok {
				return 0, b.s.fails
			}
			b.allowed += n
		case <-b.ctx.Done():
			b.s.ended <- b.ctx.Err()
			return 0, b.ctx.Err()
		}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.allowed)])
	b.allowed -= n
	return n, err
}

func newSlowly() *slowly {
	return &slowly{allow: make(chan int, 10), opened: make(chan struct{}, 10), ended: make(chan error, 10)}
}

func over(s *slowly) func(objectstore.Driver) objectstore.Driver {
	return func(d objectstore.Driver) objectstore.Driver {
		s.Driver = d
		return s
	}
}

func TestNobodyWaitsForWhatIsReadAhead(t *testing.T) {
	s := newSlowly()
	p := pan(t, 50, 2, 9*tileBytes, over(s))
	s.allow <- tileBytes // the tile itself, and not a byte more
	p.want(3)
	// The next one is on its way: who asks waits for it instead of asking again.
	answered := make(chan error)
	go func() { answered <- p.read(context.Background(), 4) }()
	select {
	case err := <-answered:
		t.Fatalf("a tile that has not come was answered: %v", err)
	default:
	}
	s.allow <- 9 * tileBytes
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]recording.Read{tilesRead(3, 10)}, p.record.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestBrokenReadAheadIsNoFailure(t *testing.T) {
	s := newSlowly()
	s.fails = fault.New(fault.Busy, "store-unreachable", "broken")
	p := pan(t, 50, 2, 9*tileBytes, over(s))
	s.allow <- tileBytes / 2
	close(s.allow)
	p.want(3)
	want := []recording.Read{tilesRead(3, 10), tilesRead(3, 1)}
	if diff := cmp.Diff(want, p.record.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestReadAheadOfAReplacedSourceIsChanged(t *testing.T) {
	p := pan(t, 50, 2, 9*tileBytes, nil)
	put(t, objectstore.New(p.record.Driver), id.SourceKey("slide.tif"), bytes.Repeat([]byte("other"), 500))
	if err := p.read(t.Context(), 3); fault.KindOf(err) != fault.Changed {
		t.Errorf("error %v", err)
	}
}

func TestReadAheadEndsWithItsAsker(t *testing.T) {
	s := newSlowly()
	p := pan(t, 50, 2, 9*tileBytes, over(s))
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- p.read(ctx, 3) }()
	<-s.opened
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	<-s.ended // the stream too
	s.allow <- 10 * tileBytes
	p.want(3) // and the next one begins anew
}

// TestReadAheadStopsWhereItMust: at tiles that are not neighbours, at the end of
// the page of the index, at what is there already, and at its bound.
func TestReadAheadStopsWhereItMust(t *testing.T) {
	p := pan(t, 6000, 2, 20*tileBytes, nil)
	for _, test := range []struct{ ask, first, count int }{
		{4090, 4090, 6},  // page 0 ends with tile 4095
		{5990, 5990, 10}, // the row ends
		{200, 200, 21},   // the bound
		{195, 195, 6},    // 201 is there; 200 was the answer itself, and is not kept here
	} {
		p.locate(test.ask)
		p.want(test.ask)
		got := p.record.Reads()
		if diff := cmp.Diff([]recording.Read{tilesRead(test.first, test.count)}, got); diff != "" {
			t.Errorf("tile %d (-want +got):\n%s", test.ask, diff)
		}
	}
	// After 10,000 tiles the source of this test begins again: no neighbours.
	p.locate(9_998)
	p.want(9_998)
	if diff := cmp.Diff([]recording.Read{tilesRead(9_998, 2)}, p.record.Reads()); diff != "" {
		t.Errorf("before a jump (-want +got):\n%s", diff)
	}
}

func TestManyReadersWithReadAhead(t *testing.T) {
	p := pan(t, 40, 30, 9*tileBytes, nil)
	var group sync.WaitGroup
	for reader := range 8 {
		group.Go(func() {
			dice := rand.New(rand.NewPCG(9, uint64(reader)))
			for range 300 {
				ctx, cancel := context.WithCancel(context.Background())
				if dice.IntN(10) == 0 {
					cancel()
				}
				first := dice.IntN(40*29 - 3)
				if err := p.read(ctx, first, first+1, first+40); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if reads := len(p.record.Reads()); reads > 1200 {
		t.Errorf("%d reads of a level of 1200 tiles that fits into the cache", reads)
	}
}
