package lambdaadapter_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/queue"
)

// holder writes down what it is asked.
type holder struct {
	mu      sync.Mutex // guards asked
	asked   []string
	renewed func() // called after each renewal, when not nil
}

func (h *holder) say(format string, args ...any) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf(format, args...))
	return nil
}

func (h *holder) Extend(_ context.Context, m queue.Message, d time.Duration) error {
	if h.renewed != nil {
		defer h.renewed()
	}
	return h.say("extend %s %s", m.Receipt, d)
}

func (h *holder) Release(_ context.Context, m queue.Message, after time.Duration) error {
	return h.say("release %s %s", m.Receipt, after)
}

func (h *holder) Describe() string { return "sqs:https://sqs.eu-west-1.amazonaws.com/1/imports" }

// TestMessagesAreHeldWhileWorkedOn: what fails comes back after a delay of its
// own, what is done is left to the event source, and messages of another queue
// are not touched.
func TestMessagesAreHeldWhileWorkedOn(t *testing.T) {
	w := newWorld(t)
	h := &holder{}
	f, err := lambdaadapter.NewImports(w.importer, w.store, 9, time.Minute, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	message := func(id, queueName, body string) string {
		return fmt.Sprintf(`{"messageId":"m%s","receiptHandle":"r%s","body":%q,"attributes":{"ApproximateReceiveCount":"2"},
			"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:%s"}`, id, id, body, queueName)
	}
	out, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"Records":[%s,%s,%s]}`,
		message("1", "imports", `{"Event":"s3:TestEvent"}`), message("2", "imports", "poison"), message("3", "others", "poison")))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"m3"}]}`; string(out) != want {
		t.Errorf("outcome %s, want %s", out, want)
	}
	// When the first renewal comes is not said: it may find the first message done.
	asked := slices.DeleteFunc(h.asked, func(s string) bool { return s == "extend r1 1m0s" || s == "extend r2 1m0s" })
	if want := []string{"release r2 10s"}; !slices.Equal(asked, want) {
		t.Errorf("the queue was asked %q, want %q beside renewals", h.asked, want)
	}
}

// TestAMessageIsRenewedWhileItIsWorkedOn: an import that takes longer than the
// time for which its message is kept has it kept again.
func TestAMessageIsRenewedWhileItIsWorkedOn(t *testing.T) {
	w := newWorld(t)
	const wanted = 3
	renewals := make(chan struct{}, wanted)
	h := &holder{renewed: func() {
		select {
		case renewals <- struct{}{}:
		default:
		}
	}}
	var once sync.Once
	w.uploads.asks = func() {
		once.Do(func() {
			for range wanted {
				select {
				case <-renewals:
				case <-t.Context().Done():
				case <-time.After(time.Minute):
					t.Error("the message was not kept again within a minute")
					return
				}
			}
		})
	}
	f, err := lambdaadapter.NewImports(w.importer, w.store, 9, 40*time.Millisecond, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	etag := w.put(t, "a.svs")
	out, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"Records":[{"messageId":"m","receiptHandle":"r","body":%q,
		"eventSourceARN":"arn:aws:sqs:eu-west-1:1:imports"}]}`, notification("ObjectCreated:Put", "incoming", "in/a.svs", etag)))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("outcome %s, %v", out, err)
	}
}
