package importer

import (
	"context"
	"log/slog"
	"sync"

	"github.com/pims-cloud/pims/internal/slide"
)

// EventName is what happened, in the words of PIMS (pims-api §6.4).
type EventName string

// The events of an import.
const (
	StartDataExtraction  EventName = "start_data_extraction"
	MovedPendingFile     EventName = "moved_pending_file"
	EndDataExtraction    EventName = "end_data_extraction"
	StartFormatDetection EventName = "start_format_detection"
	EndFormatDetection   EventName = "end_format_detection"
	ErrorNoFormat        EventName = "error_no_format"
	StartIntegrityCheck  EventName = "start_integrity_check"
	EndIntegrityCheck    EventName = "end_integrity_check"
	ErrorIntegrity       EventName = "error_integrity"
	StartConversion      EventName = "start_conversion"
	EndConversion        EventName = "end_conversion"
	ErrorConversion      EventName = "error_conversion"
	StartUnpacking       EventName = "start_unpacking"
	EndUnpacking         EventName = "end_unpacking"
	ErrorUnpacking       EventName = "error_unpacking"
	RegisterFile         EventName = "register_file"
	StartSpatialDeploy   EventName = "start_spatial_deploy"
	EndSpatialDeploy     EventName = "end_spatial_deploy"
	StartHistogramDeploy EventName = "start_histogram_deploy"
	EndHistogramDeploy   EventName = "end_histogram_deploy"
	ErrorHistogram       EventName = "error_histogram"
	EndSuccessfulImport  EventName = "end_successful_import"
	FileNotMoved         EventName = "file_not_moved"
	FileNotFound         EventName = "file_not_found"
	GenericFileError     EventName = "generic_file_error"
)

// Event is one step of one import. Report is a copy of the state at that moment.
type Event struct {
	Name   EventName
	Report Report
}

// Listener is told what happens to imports. Notify is called in order within
// one import, concurrently across imports; it must return soon, and what it
// does wrong does not change the import.
type Listener interface {
	Notify(ctx context.Context, e Event)
}

// Listeners tells several listeners, one after the other.
type Listeners []Listener

// Notify tells all.
func (l Listeners) Notify(ctx context.Context, e Event) {
	for _, one := range l {
		one.Notify(ctx, e)
	}
}

// LogListener writes one line an event.
type LogListener struct{ Log *slog.Logger }

// Notify logs errors as warnings, the end as information, the rest for debugging.
func (l LogListener) Notify(ctx context.Context, e Event) {
	level := slog.LevelDebug
	args := []any{"event", string(e.Name), "slide", string(e.Report.ID), "name", e.Report.Name}
	if e.Report.Format != "" {
		args = append(args, "format", e.Report.Format)
	}
	switch {
	case e.Report.Error != nil:
		level = slog.LevelWarn
		args = append(args, "code", e.Report.Error.Code, "detail", e.Report.Error.Detail)
	case e.Name == EndSuccessfulImport:
		level = slog.LevelInfo
		args = append(args, "seconds", e.Report.Seconds, "tiles", e.Report.Tiles,
			"bytesRead", e.Report.BytesRead, "viewable", e.Report.Viewable)
	}
	l.Log.Log(ctx, level, "import", args...)
}

// hub hands reports to the subscribers of this process.
type hub struct {
	mu   sync.Mutex // guards subs
	subs map[slide.ID]map[*subscriber]struct{}
}

type subscriber struct {
	ch     chan Report
	closed bool
}

// subscriberBuffer is how many reports wait for a slow subscriber; then the
// oldest are dropped, because only the latest matters.
const subscriberBuffer = 16

func newHub() *hub { return &hub{subs: map[slide.ID]map[*subscriber]struct{}{}} }

func (h *hub) subscribe(id slide.ID) (<-chan Report, func()) {
	s := &subscriber{ch: make(chan Report, subscriberBuffer)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs[id] == nil {
		h.subs[id] = map[*subscriber]struct{}{}
	}
	h.subs[id][s] = struct{}{}
	return s.ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(id, s)
	}
}

// publish never waits. A final report closes the channel after it.
func (h *hub) publish(r Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs[r.ID] {
		for sent := false; !sent; {
			select {
			case s.ch <- r:
				sent = true
			default:
				select {
				case <-s.ch:
				default:
				}
			}
		}
		if r.State.Final() {
			h.drop(r.ID, s)
		}
	}
}

// drop ends a subscription once. The caller holds mu.
func (h *hub) drop(id slide.ID, s *subscriber) {
	if s.closed {
		return
	}
	s.closed = true
	close(s.ch)
	delete(h.subs[id], s)
	if len(h.subs[id]) == 0 {
		delete(h.subs, id)
	}
}
