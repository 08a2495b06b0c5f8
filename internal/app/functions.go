package app

import (
	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/sqs"
)

// ServeHTTPFunction serves the invocations of a function that answers HTTP
// requests, until the platform ends the process. It does not return.
func (a *App) ServeHTTPFunction() {
	lambdaadapter.NewHTTP(a.Handler(), a.Config.Lambda, a.Slides, a.Logs.For("lambda")).Start()
}

// ServeImportFunction serves the invocations of the import function, until the
// platform ends the process. It returns only what kept it from starting. Metrics
// that are written at the end of an invocation (lambdaadapter.Measures) are.
func (a *App) ServeImportFunction() error {
	imports, err := lambdaadapter.NewImports(a.Importer, a.Uploads, a.Config.Import.MaxAttempts,
		a.Config.SQS.Visibility, a.Logs.For("lambda"), a.held()...)
	if err != nil {
		return err
	}
	if measures, ok := a.Metrics.(lambdaadapter.Measures); ok {
		imports.Measure(measures)
	}
	imports.Start()
	return nil
}

// held are the queues at SQS whose messages stay invisible while they are
// worked on.
func (a *App) held() []lambdaadapter.Holder {
	var out []lambdaadapter.Holder
	for _, q := range []queue.Queue{a.Queue, a.Convert} {
		if remote, ok := q.(*sqs.Queue); ok {
			out = append(out, remote)
		}
	}
	return out
}
