package lambdaadapter_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
)

// measures notes what it is told, in order.
type measures struct {
	queues  []string
	waited  []time.Duration
	flushes int
}

func (m *measures) Waited(queue string, age time.Duration) {
	m.queues, m.waited = append(m.queues, queue), append(m.waited, age)
}

func (m *measures) Flush() { m.flushes++ }

func TestAnInvocationIsMeasured(t *testing.T) {
	w := newWorld(t)
	var m measures
	w.imports.Measure(&m)
	sent := strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)
	event := strings.ReplaceAll(string(runtimetest.SQSEvent(`{"Event":"s3:TestEvent"}`, `{"convert":true}`)),
		`"eventSource"`, `"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"`+sent+`"},"eventSource"`)
	if _, err := w.imports.Invoke(t.Context(), []byte(event)); err != nil {
		t.Fatal(err)
	}
	if len(m.waited) != 2 || m.waited[0] < time.Hour || m.queues[0] != "import" || m.queues[1] != "convert" {
		t.Errorf("two messages of an hour ago, the second a conversion, waited %v in %v", m.waited, m.queues)
	}
	if _, err := w.imports.Invoke(t.Context(), []byte("not an event")); err == nil {
		t.Error("what is no event was taken")
	}
	if m.flushes != 2 {
		t.Errorf("%d flushes in two invocations", m.flushes)
	}
}
