package cloud_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
	"github.com/pims-cloud/pims/internal/queue/sqs"
)

// eventSource hands the messages of a queue to functions, as the platform's event
// source mapping does: in batches, to several environments at once; what a
// function did not complain of is deleted, and of one that died nothing is.
//
// The queue's time stands still while there is work, and is moved on when there is
// nothing to do but wait for messages to become visible again.
type eventSource struct {
	queue        *sqs.Queue
	clock        *queuetest.Clock
	environments []*runtimetest.Environment

	invocations, deaths int
}

const (
	batchSize   = 3
	maxBatches  = 2000
	leaseChecks = 250 * time.Millisecond // between looks for a dead worker's lease, which is of the real clock
)

// drain works until the queue is empty.
func (s *eventSource) drain(t *testing.T) {
	t.Helper()
	free := make(chan *runtimetest.Environment, len(s.environments))
	for _, e := range s.environments {
		free <- e
	}
	busy := 0
	type outcome struct {
		environment *runtimetest.Environment
		died        bool
	}
	finished := make(chan outcome)
	for range maxBatches {
		waiting, working, err := s.queue.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case waiting > 0 && busy < len(s.environments):
			batch, err := s.queue.Receive(t.Context(), batchSize)
			if err != nil {
				t.Fatal(err)
			}
			e := <-free
			busy++
			s.invocations++
			go func() { finished <- outcome{e, !s.invoke(t, e, batch)} }()
		case busy > 0:
			o := <-finished
			busy--
			free <- o.environment
			if o.died {
				s.deaths++
			}
		case working > 0:
			s.clock.Advance(time.Minute)
			time.Sleep(leaseChecks)
		default:
			return
		}
	}
	t.Errorf("the queue is not empty after %d steps", maxBatches)
}

// message is one of an event, as the platform writes it.
type message struct {
	MessageID      string            `json:"messageId"`
	ReceiptHandle  string            `json:"receiptHandle"`
	Body           string            `json:"body"`
	Attributes     map[string]string `json:"attributes"`
	EventSource    string            `json:"eventSource"`
	EventSourceARN string            `json:"eventSourceARN"`
}

// invoke gives a batch to a function and deletes what it has done; false when it
// died.
func (s *eventSource) invoke(t *testing.T, e *runtimetest.Environment, batch []queue.Message) bool {
	var event struct{ Records []message }
	for _, m := range batch {
		event.Records = append(event.Records, message{
			MessageID: m.ID, ReceiptHandle: m.Receipt, Body: string(m.Body),
			Attributes:  map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.Attempt)},
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:imports",
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Error(err)
		return true
	}
	out, err := e.InvokeJSON(t.Context(), payload)
	if err != nil {
		t.Logf("a function died: %.200s", err)
		return false
	}
	var reply struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		t.Errorf("%v: %s", err, out)
		return true
	}
	failed := map[string]bool{}
	for _, f := range reply.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range batch {
		if failed[m.ID] {
			continue
		}
		if err := s.queue.Ack(t.Context(), m); err != nil {
			t.Error(err)
		}
	}
	return true
}
