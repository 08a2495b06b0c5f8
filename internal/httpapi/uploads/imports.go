package uploads

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/slide"
)

// defaultPoll is used when Deps.Poll is 0.
const defaultPoll = time.Second

// heartbeat keeps proxies from closing a stream on which nothing happens.
const heartbeat = 15 * time.Second

// report answers with import.json.
func (a *API) report(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	report, err := a.reportOf(r, v)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, report)
}

func (a *API) reportOf(r *http.Request, v route.Vars) (*importer.Report, error) {
	if a.Importer == nil {
		return nil, fault.New(fault.Unsupported, "imports-not-known", "This process knows nothing of imports.")
	}
	id, err := slide.ParseID(v.Get("id"))
	if err != nil {
		return nil, err
	}
	return a.Importer.Report(r.Context(), id)
}

// events streams reports as server-sent events until the import is over. The
// first one is the current state; comments keep the connection alive.
func (a *API) events(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	report, err := a.reportOf(r, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	// A server without write deadlines, or a buffered platform, may refuse:
	// then the events arrive when they arrive.
	_ = control.SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	// Reports come through a channel, so that one goroutine writes.
	reports := make(chan *importer.Report)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(reports)
		// The stream just ends when the import can not be followed any more;
		// the page then asks for the report.
		_ = a.follow(ctx, report.ID, func(r *importer.Report) error {
			select {
			case reports <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() { cancel(); <-done }()
	for {
		var text []byte
		select {
		case report, ok := <-reports:
			if !ok {
				return nil
			}
			body, err := reply.Encode(report)
			if err != nil {
				return nil // the status is sent; the stream can only end
			}
			text = fmt.Appendf(nil, "data: %s\n\n", body)
		case <-beats.C:
			text = []byte(": alive\n\n")
		}
		if _, err := w.Write(text); err != nil {
			return nil
		}
		// A platform that buffers sends nothing before the end: it gets the
		// present report, and the page asks again.
		if err := control.Flush(); errors.Is(err, http.ErrNotSupported) {
			return nil
		}
	}
}

// follow gives the current report and then each new one until the final one:
// from the importer of this process, and by reading import.json for an import
// that another process works on.
func (a *API) follow(ctx context.Context, id slide.ID, tell func(*importer.Report) error) error {
	live, stop := a.Importer.Subscribe(id)
	defer stop()
	every := a.Poll
	if every <= 0 {
		every = defaultPoll
	}
	poll := time.NewTicker(every)
	defer poll.Stop()
	var last *importer.Report
	for {
		report, err := a.Importer.Report(ctx, id)
		if err != nil {
			return err
		}
		if last == nil || newer(report, last) {
			last = report
			if err := tell(report); err != nil || report.State.Final() {
				return err
			}
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-poll.C:
				waiting = false
			case report, ok := <-live:
				if !ok { // over: the stored report is the last word
					live, waiting = nil, false
					break
				}
				last = &report
				if err := tell(&report); err != nil || report.State.Final() {
					return err
				}
			}
		}
	}
}

func newer(a, b *importer.Report) bool {
	return a.UpdatedAt.After(b.UpdatedAt) || a.State != b.State || a.Progress > b.Progress
}

// removeFile is remove as the older document of PIMS' API describes it.
func (a *API) removeFile(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.removeAnswering(w, r, v, http.StatusNoContent)
}

func (a *API) remove(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.removeAnswering(w, r, v, http.StatusOK)
}

// removeAnswering deletes a slide or a failed import. A path below the slide's name
// deletes nothing.
func (a *API) removeAnswering(w http.ResponseWriter, r *http.Request, v route.Vars, status int) error {
	id, rest, err := slide.PathID(v.Get("p"))
	if err != nil {
		return problem.FilepathNotFound(v.Get("p"))
	}
	if a.Importer == nil {
		return fault.New(fault.Unsupported, "deleting-not-offered", "This process does not delete slides.")
	}
	named, err := a.names(r.Context(), id, rest)
	if err != nil {
		return err
	}
	if !named {
		return problem.FilepathNotFound(v.Get("p"))
	}
	if err := a.Importer.Delete(r.Context(), id); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return problem.FilepathNotFound(v.Get("p")).Because(err)
		}
		return err
	}
	a.Catalog.Forget(id)
	if status != http.StatusNoContent {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(status)
	return nil
}

// names tells whether the rest of a path is that of the slide or import: its
// id alone, its file, or what PIMS keeps in "processed".
func (a *API) names(ctx context.Context, id slide.ID, rest string) (bool, error) {
	if rest == "" {
		return true, nil
	}
	s, err := a.Catalog.Open(ctx, id)
	if err == nil {
		m := s.Manifest()
		return rest == m.Name || rest == m.OriginalName ||
			rest == "processed/original."+m.Description.Format ||
			rest == "processed/visualisation."+m.Description.Format, nil
	}
	report, reportErr := a.Importer.Report(ctx, id)
	if reportErr == nil {
		return report.Path == string(id)+"/"+rest, nil
	}
	if fault.KindOf(err) == fault.NotFound && fault.KindOf(reportErr) == fault.NotFound {
		return false, nil
	}
	return false, err
}
