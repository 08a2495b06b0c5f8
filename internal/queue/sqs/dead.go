package sqs

import (
	"context"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

const (
	// deadVisibility hides dead letters from others while they are looked at.
	deadVisibility = time.Minute
	// deadWait is for one look, in seconds: a look of no time at all asks some of
	// SQS's servers only.
	deadWait = 1
	// emptyLooks is how often nothing may be found while SQS says, roughly,
	// that there is something.
	emptyLooks = 3
)

// DeadLetters implements queue.DeadLetters. When they were buried SQS does not
// tell, and the reason only for those that Bury sent.
func (q *Queue) DeadLetters(ctx context.Context, max int) ([]queue.DeadLetter, error) {
	var out []queue.DeadLetter
	err := q.walkDead(ctx, max, func(_ *Queue, m types.Message) (bool, error) {
		got, err := messages([]types.Message{m})
		if err != nil {
			return false, err
		}
		letter := queue.DeadLetter{ID: got[0].ID, Body: got[0].Body, SentAt: got[0].Sent}
		if a, ok := m.MessageAttributes[reasonAttribute]; ok {
			letter.Reason = aws.ToString(a.StringValue)
		} else {
			letter.Attempts = deliveries(m)
		}
		out = append(out, letter)
		return true, nil
	})
	slices.SortStableFunc(out, func(a, b queue.DeadLetter) int { return a.SentAt.Compare(b.SentAt) })
	return out, err
}

// deliveries is how often a message was received before this time. Looking at
// dead letters counts too.
func deliveries(m types.Message) int {
	n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		return 0
	}
	return n - 1
}

// Redrive implements queue.DeadLetters: each letter is sent first and deleted
// then, so that one may come twice, and none is lost.
func (q *Queue) Redrive(ctx context.Context, ids ...string) (int, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	done := 0
	err := q.walkDead(ctx, 0, func(dead *Queue, m types.Message) (bool, error) {
		id := aws.ToString(m.MessageId)
		if len(ids) > 0 && !wanted[id] {
			return true, nil
		}
		attributes := maps.Clone(m.MessageAttributes)
		delete(attributes, reasonAttribute)
		_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(q.url), MessageBody: m.Body, MessageAttributes: attributes,
		})
		if err != nil {
			return true, q.classify(ctx, "send to", err)
		}
		done++
		delete(wanted, id)
		return false, dead.Ack(ctx, queue.Message{ID: id, Receipt: aws.ToString(m.ReceiptHandle)})
	})
	if err == nil && len(wanted) > 0 {
		err = fault.New(fault.NotFound, "queue-no-dead-letter", "There is no dead letter %s; pims dlq list shows those that there are.",
			strings.Join(slices.Sorted(maps.Keys(wanted)), ", "))
	}
	return done, err
}

// walkDead gives every dead letter to do, at most max when that is more than 0,
// and afterwards those back that it wants to stay.
func (q *Queue) walkDead(ctx context.Context, max int, do func(dead *Queue, m types.Message) (stays bool, err error)) error {
	dead, err := q.deadQueue(ctx)
	if err != nil {
		return err
	}
	var staying []types.Message
	defer func() {
		// What cannot be given back comes back by itself.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadVisibility)
		defer cancel()
		for _, m := range staying {
			_ = dead.Release(after, queue.Message{Receipt: aws.ToString(m.ReceiptHandle)}, 0)
		}
	}()
	for seen, empty := 0, 0; (max < 1 || seen < max) && empty < emptyLooks; {
		waiting, _, err := dead.Depth(ctx)
		if err != nil || waiting == 0 {
			return err
		}
		limit := maxBatch
		if max > 0 {
			limit = min(limit, max-seen)
		}
		got, err := dead.look(ctx, limit)
		if err != nil {
			return err
		}
		if seen += len(got); len(got) == 0 {
			empty++
		}
		for i, m := range got {
			stays, err := do(dead, m)
			if stays {
				staying = append(staying, m)
			}
			if err != nil {
				staying = append(staying, got[i+1:]...)
				return err
			}
		}
	}
	return nil
}

// look receives dead letters with all that they have.
func (q *Queue) look(ctx context.Context, limit int) ([]types.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(q.url), MaxNumberOfMessages: int32(limit), WaitTimeSeconds: deadWait,
		VisibilityTimeout: seconds(deadVisibility), MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, q.classify(ctx, "receive from", err)
	}
	return out.Messages, nil
}

// deadQueue is the queue of dead letters: the one that Bury sends to, or that
// of the redrive policy, which lies beside this one.
func (q *Queue) deadQueue(ctx context.Context) (*Queue, error) {
	dead := &Queue{client: q.client, url: q.config.DeadLetterURL, config: q.config}
	if dead.url != "" {
		return dead, nil
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(q.url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return nil, q.classify(ctx, "ask for the dead letters of", err)
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	_ = json.Unmarshal([]byte(out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]), &policy) // none is told below
	name := policy.Target[strings.LastIndexByte(policy.Target, ':')+1:]
	if name == "" {
		return nil, fault.New(fault.NotFound, "queue-no-dead-letters",
			"The queue %s has no dead letter queue: give it a redrive policy, or set QUEUE_DEAD_LETTER_URL.", q.Describe())
	}
	dead.url = strings.TrimSuffix(q.url, path.Base(q.url)) + name
	return dead, nil
}
