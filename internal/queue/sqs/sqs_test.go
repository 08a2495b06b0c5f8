package sqs_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
	"github.com/pims-cloud/pims/internal/queue/sqs"
	"github.com/pims-cloud/pims/internal/queue/sqs/sqstest"
)

// environment gives the SDK credentials without looking for any on this machine.
func environment(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func open(t *testing.T, url string, c sqs.Config) *sqs.Queue {
	t.Helper()
	q, err := sqs.Open(context.Background(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestConformance(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Harness {
		environment(t)
		clock := queuetest.NewClock()
		server := sqstest.Start(t, clock)
		url, dead := server.Create("imports", nil), server.Create("dead", nil)
		return queuetest.Harness{
			Queue:      open(t, url, sqs.Config{DeadLetterURL: dead, Visibility: time.Minute}),
			Clock:      clock,
			Visibility: time.Minute,
			Dead:       func(*testing.T) [][]byte { return server.Bodies("dead") },
		}
	})
}

func TestBuriedWithoutDeadLetterQueueIsLeftToTheRedrivePolicy(t *testing.T) {
	environment(t)
	clock := queuetest.NewClock()
	server := sqstest.Start(t, clock)
	server.Create("dead", nil)
	url := server.Create("imports", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":"2"}`,
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	q := open(t, url, sqs.Config{Visibility: time.Minute})
	if err := q.Send(ctx, []byte("poison")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ms, err := q.Receive(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Bury(ctx, ms[0], "no use"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	if err := q.Send(ctx, []byte("next")); err != nil {
		t.Fatal(err)
	}
	ms, err := q.Receive(ctx, 10)
	if err != nil || len(ms) != 1 || string(ms[0].Body) != "next" {
		t.Errorf("got %v, %v: want only the next message", ms, err)
	}
	if dead := server.Bodies("dead"); len(dead) != 1 || string(dead[0]) != "poison" {
		t.Errorf("dead letters %q", dead)
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	environment(t)
	server := sqstest.Start(t, queuetest.NewClock())
	ctx := context.Background()
	q := open(t, server.URL()+"/000000000000/nobody", sqs.Config{})
	if err := q.Send(ctx, []byte("a")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("sending to a missing queue: %v, want not-found", err)
	}
	q = open(t, server.Create("imports", nil), sqs.Config{})
	if err := q.Send(ctx, make([]byte, 300<<10)); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("a body of 300 KiB: %v, want too-large", err)
	}
	if err := q.Send(ctx, []byte("a")); err != nil {
		t.Fatal(err)
	}
	ms, err := q.Receive(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Ack(ctx, ms[0]); err != nil {
		t.Fatal(err)
	}
	if err := q.Extend(ctx, ms[0], time.Minute); fault.CodeOf(err) != "queue-receipt-stale" {
		t.Errorf("extending what is done: %v, want queue-receipt-stale", err)
	}
	server.Deny(http.StatusForbidden, "AccessDenied")
	if err := q.Send(ctx, []byte("a")); fault.KindOf(err) != fault.Denied {
		t.Errorf("without rights: %v, want denied", err)
	}
	for _, bad := range []string{"", "imports", "ftp://x/y", "https://"} {
		if _, err := sqs.Open(ctx, bad, sqs.Config{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Open(%q): %v, want invalid", bad, err)
		}
	}
}

func TestVisibilityIsBounded(t *testing.T) {
	for visibility, ok := range map[time.Duration]bool{3999 * time.Millisecond: false, 4 * time.Second: true, 12 * time.Hour: true, 12*time.Hour + 1: false} {
		if err := (sqs.Config{Visibility: visibility}).Validate(); (err == nil) != ok || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("QUEUE_VISIBILITY=%v: %v, want it taken: %v", visibility, err, ok)
		}
	}
}
