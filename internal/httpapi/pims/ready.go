package pims

import (
	"context"
	"net/http"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
)

// readyPatience is how long the store may take to answer: probes give up after
// a few seconds themselves.
const readyPatience = 2 * time.Second

// ready tells whether slides can be read, by one request to the store; 503 when
// not. /ping tells only that the process answers.
func (a *API) ready(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	const nothing = "readiness-probe" // a key that is never written
	if _, err := a.Slides.Stat(ctx, nothing); err != nil && fault.KindOf(err) != fault.NotFound {
		return fault.New(fault.Busy, "store-not-reachable", "The store of slides does not answer; see STORE_URL and the log.").Because(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, struct {
		Ready bool `json:"ready"`
	}{true})
}
