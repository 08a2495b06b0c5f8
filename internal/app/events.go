package app

import (
	"context"
	"time"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/importer/webhook"
)

// listeners are told what happens to imports: the log, the metrics, and whoever
// WEBHOOK_URL names.
func (a *App) listeners(o Options) importer.Listeners {
	out := importer.Listeners{importCounter{metrics: a.Metrics}}
	if !o.Quiet || a.Config.Log.Debug {
		out = append(out, importer.LogListener{Log: a.Logs.For("import")})
	}
	if a.Config.Webhook.URL == "" {
		return out
	}
	hook := webhook.New(a.Config.Webhook, a.Logs.For("webhook"))
	a.closers = append(a.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(a.Config.Server.ShutdownTimeout))
		defer cancel()
		return hook.Close(ctx)
	})
	return append(out, hook)
}
