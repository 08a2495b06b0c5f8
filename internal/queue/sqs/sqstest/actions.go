package sqstest

import (
	"context"
	"encoding/json"
	"path"
	"strconv"
	"time"
)

// input is every member that an action reads.
type input struct {
	QueueUrl, QueueName         string
	Attributes                  map[string]string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MessageBody                 string
	MessageAttributes           map[string]attribute
	DelaySeconds                *int
	MaxNumberOfMessages         *int
	WaitTimeSeconds             *int
	VisibilityTimeout           *int
	ReceiptHandle               string
	Entries                     []entry
}

// entry is one of a batch.
type entry struct {
	Id, MessageBody, ReceiptHandle string
	MessageAttributes              map[string]attribute
	DelaySeconds                   *int
	VisibilityTimeout              *int
}

type object = map[string]any

// act performs an action.
func (s *Server) act(ctx context.Context, action string, in *input) (any, error) {
	if action == "CreateQueue" {
		return object{"QueueUrl": s.Create(in.QueueName, in.Attributes)}, nil
	}
	if action == "ReceiveMessage" {
		return s.receive(ctx, in)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if action == "GetQueueUrl" {
		if s.queues[in.QueueName] == nil {
			return nil, noQueue()
		}
		return object{"QueueUrl": s.queueURL(in.QueueName)}, nil
	}
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	switch action {
	case "SendMessage":
		return q.send(now, entry{MessageBody: in.MessageBody, MessageAttributes: in.MessageAttributes, DelaySeconds: in.DelaySeconds})
	case "DeleteMessage":
		return nil, q.delete(in.ReceiptHandle)
	case "ChangeMessageVisibility":
		return nil, q.changeVisibility(now, in.ReceiptHandle, in.VisibilityTimeout)
	case "SendMessageBatch":
		return batch(in.Entries, func(e entry) (object, error) { return q.send(now, e) })
	case "DeleteMessageBatch":
		return batch(in.Entries, func(e entry) (object, error) { return object{}, q.delete(e.ReceiptHandle) })
	case "ChangeMessageVisibilityBatch":
		return batch(in.Entries, func(e entry) (object, error) {
			return object{}, q.changeVisibility(now, e.ReceiptHandle, e.VisibilityTimeout)
		})
	case "GetQueueAttributes":
		return object{"Attributes": q.describe(now)}, nil
	case "SetQueueAttributes":
		for k, v := range in.Attributes {
			q.attributes[k] = v
		}
		return nil, nil
	case "PurgeQueue":
		q.messages = nil
		return nil, nil
	case "DeleteQueue":
		delete(s.queues, q.name)
		return nil, nil
	}
	return nil, bad("InvalidAction", "the action %s is not known", action)
}

func noQueue() *apiError {
	return &apiError{status: 400, code: "QueueDoesNotExist", query: "AWS.SimpleQueueService.NonExistentQueue", text: "The specified queue does not exist."}
}

// queue finds a queue by its URL. The caller holds mu.
func (s *Server) queue(url string) (*memoryQueue, error) {
	q := s.queues[path.Base(url)]
	if q == nil {
		return nil, noQueue()
	}
	return q, nil
}

// receive waits until something is visible, the wait time has passed, or the
// client went away.
func (s *Server) receive(ctx context.Context, in *input) (any, error) {
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if limit < 1 || limit > 10 {
		return nil, bad("InvalidParameterValue", "MaxNumberOfMessages is %d, expected 1 to 10", limit)
	}
	wait := 0
	if in.WaitTimeSeconds != nil {
		wait = *in.WaitTimeSeconds
	}
	if wait < 0 || wait > 20 {
		return nil, bad("InvalidParameterValue", "WaitTimeSeconds is %d, expected 0 to 20", wait)
	}
	until := s.clock.Now().Add(time.Duration(wait) * time.Second)
	for {
		got, next, changed, err := s.take(in, limit)
		if err != nil {
			return nil, err
		}
		now := s.clock.Now()
		if len(got) > 0 || !now.Before(until) {
			return object{"Messages": got}, nil
		}
		if next.IsZero() || next.After(until) {
			next = until
		}
		select {
		case <-ctx.Done():
			return object{}, nil
		case <-changed:
		case <-s.clock.At(next):
		}
	}
}

// take delivers what is visible, moving what was received too often to the
// dead letter queue first.
func (s *Server) take(in *input, limit int) (got []object, next time.Time, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, next, nil, err
	}
	if dead, most := s.redrive(q); dead != nil {
		for _, m := range q.removeReceived(s.clock.Now(), most) {
			dead.add(m)
		}
	}
	got, next, err = q.take(s.clock.Now(), in, limit)
	return got, next, q.changed, err
}

// redrive reads the queue's policy; nil when it has none that works.
func (s *Server) redrive(q *memoryQueue) (dead *memoryQueue, maxReceiveCount int) {
	var policy struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // a number or a string
	}
	if json.Unmarshal([]byte(q.attributes["RedrivePolicy"]), &policy) != nil {
		return nil, 0
	}
	text := string(policy.MaxReceiveCount)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	most, err := strconv.Atoi(text)
	if err != nil || most < 1 {
		return nil, 0
	}
	name := policy.DeadLetterTargetArn
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == ':' {
			name = name[i+1:]
			break
		}
	}
	return s.queues[name], most
}

// batch performs an action for each entry; entries fail one by one.
func batch(entries []entry, do func(entry) (object, error)) (any, error) {
	if len(entries) == 0 {
		return nil, &apiError{status: 400, code: "EmptyBatchRequest", query: "AWS.SimpleQueueService.EmptyBatchRequest", text: "There should be at least one entry."}
	}
	if len(entries) > 10 {
		return nil, &apiError{status: 400, code: "TooManyEntriesInBatchRequest", query: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", text: "Maximum number of entries is 10."}
	}
	successful, failed := []object{}, []object{}
	for _, e := range entries {
		result, err := do(e)
		if err != nil {
			failed = append(failed, object{"Id": e.Id, "SenderFault": true, "Code": err.Error(), "Message": err.Error()})
			continue
		}
		result["Id"] = e.Id
		successful = append(successful, result)
	}
	return object{"Successful": successful, "Failed": failed}, nil
}
