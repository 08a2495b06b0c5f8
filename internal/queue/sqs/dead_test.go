package sqs_test

import (
	"context"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
	"github.com/pims-cloud/pims/internal/queue/sqs"
	"github.com/pims-cloud/pims/internal/queue/sqs/sqstest"
)

// TestDeadLettersOfTheRedrivePolicy: without QUEUE_DEAD_LETTER_URL they lie where
// SQS itself has put them.
func TestDeadLettersOfTheRedrivePolicy(t *testing.T) {
	environment(t)
	clock := queuetest.NewClock()
	server := sqstest.Start(t, clock)
	server.Create("dead", nil)
	url := server.Create("imports", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1}`,
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	q := open(t, url, sqs.Config{Visibility: time.Minute})
	for _, body := range []string{"poison", "next"} {
		if err := q.Send(ctx, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Receive(ctx, 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	// The last look at the queue moved the first message only.
	letters, err := q.DeadLetters(ctx, 10)
	if err != nil || len(letters) != 1 || string(letters[0].Body) != "poison" || letters[0].Attempts != 1 || letters[0].Reason != "" {
		t.Fatalf("dead letters %+v, %v", letters, err)
	}
	if n, err := q.Redrive(ctx); n != 1 || err != nil {
		t.Errorf("%d wait again, %v", n, err)
	}
	lonely := open(t, server.Create("lonely", nil), sqs.Config{})
	if _, err := lonely.DeadLetters(ctx, 1); fault.CodeOf(err) != "queue-no-dead-letters" {
		t.Errorf("a queue without dead letters: %v", err)
	}
}
