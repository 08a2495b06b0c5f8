// Package sqs is the import queue on Amazon SQS (standard queues). It is the
// only package that imports the SQS SDK.
//
// Credentials, region and endpoint come from the SDK's own environment
// variables and files; a queue URL of another server than Amazon's (LocalStack,
// ElasticMQ) is also taken as the endpoint when none is set.
//
// IAM actions, on the queue:
//
//	sqs:SendMessage, sqs:ReceiveMessage, sqs:DeleteMessage,
//	sqs:ChangeMessageVisibility, sqs:GetQueueAttributes
//
// and, when Config.DeadLetterURL is set, on that queue:
//
//	sqs:SendMessage
//
// Looking at dead letters needs sqs:ReceiveMessage, sqs:ChangeMessageVisibility
// and sqs:GetQueueAttributes on the dead letter queue, and redriving them
// sqs:DeleteMessage as well.
package sqs

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// Limits of SQS (Developer Guide, "Amazon SQS message quotas").
const (
	maxBatch      = 10
	maxBodyBytes  = 256 << 10
	maxVisibility = 12 * time.Hour
	minVisibility = 4 * time.Second // renewed each second: SQS counts in whole ones
	longPoll      = 20              // seconds
)

// encodingAttribute marks a body that is not text of the characters that SQS
// takes, and reasonAttribute says why a message is a dead letter.
const (
	encodingAttribute = "encoding"
	encodingBase64    = "base64"
	reasonAttribute   = "reason"
)

// What is asked of each message besides its body.
const (
	receiveCount  = types.MessageSystemAttributeNameApproximateReceiveCount
	sentTimestamp = types.MessageSystemAttributeNameSentTimestamp
)

// Config is what a queue needs besides its URL.
type Config struct {
	// DeadLetterURL is where Bury sends. Without it a buried message is left
	// to the queue's redrive policy.
	DeadLetterURL string `env:"QUEUE_DEAD_LETTER_URL" desc:"URL of the SQS queue for imports that were given up. Empty: the redrive policy of QUEUE_URL decides."`
	// Visibility is how long a message stays invisible at a time, from its
	// receipt and from each renewal (queue.RenewEvery) on.
	Visibility time.Duration `env:"QUEUE_VISIBILITY" envDefault:"2m" desc:"How long a message of a queue stays invisible to others at a time, 4s to 12h. Who works on it renews that after each quarter of it; when a worker or a function dies, its messages come back after this. Not below IMPORT_LEASE: what comes back sooner finds the dead worker's claim."`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if c.Visibility < minVisibility || c.Visibility > maxVisibility {
		return fault.New(fault.Invalid, "config-value", "QUEUE_VISIBILITY is %s: expected 4s to 12h", c.Visibility)
	}
	if u, err := url.Parse(c.DeadLetterURL); c.DeadLetterURL != "" && (err != nil || u.Host == "") {
		return fault.New(fault.Invalid, "config-value", "QUEUE_DEAD_LETTER_URL is %q: expected the https:// URL of an SQS queue", c.DeadLetterURL)
	}
	return nil
}

// Queue is one SQS queue. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
	config Config
}

// Open makes the client; it sends nothing. Kind Invalid when queueURL is not
// the URL of a queue, or the SDK's configuration cannot be read.
func Open(ctx context.Context, queueURL string, c Config) (*Queue, error) {
	if c.Visibility == 0 {
		c.Visibility = 2 * time.Minute
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(queueURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "queue-url", "QUEUE_URL is %q: expected the https:// URL of an SQS queue", queueURL)
	}
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fault.New(fault.Invalid, "queue-aws-config", "the AWS configuration for the import queue cannot be read").Because(err)
	}
	region, amazon := regionOf(u.Hostname())
	if amazon {
		loaded.Region = region
	}
	client := sqs.NewFromConfig(loaded, func(o *sqs.Options) {
		if !amazon && o.BaseEndpoint == nil {
			o.BaseEndpoint = aws.String(u.Scheme + "://" + u.Host)
		}
		if o.Region == "" {
			o.Region = "us-east-1" // other servers only want a signature to be there
		}
	})
	return &Queue{client: client, url: queueURL, config: c}, nil
}

// regionOf reads the region out of "sqs.<region>.amazonaws.com[.cn]".
func regionOf(host string) (region string, amazon bool) {
	parts := strings.Split(host, ".")
	if len(parts) < 4 || parts[0] != "sqs" || parts[2] != "amazonaws" {
		return "", false
	}
	return parts[1], true
}

// Describe is "sqs:" and the URL without user or query.
func (q *Queue) Describe() string {
	u, err := url.Parse(q.url)
	if err != nil {
		return "sqs:"
	}
	return "sqs:" + u.Scheme + "://" + u.Host + u.Path
}

// Send sends one message. Kind TooLarge over 256 KiB.
func (q *Queue) Send(ctx context.Context, body []byte) error {
	return q.send(ctx, q.url, body, "")
}

func (q *Queue) send(ctx context.Context, to string, body []byte, reason string) error {
	text, attributes := textOf(body)
	if reason != "" {
		attributes[reasonAttribute] = stringAttribute(clean(reason))
	}
	if len(text) > maxBodyBytes {
		return fault.New(fault.TooLarge, "queue-body-too-large",
			"the message has %d bytes, at most %d fit into the queue", len(text), maxBodyBytes)
	}
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(to), MessageBody: aws.String(text), MessageAttributes: attributes,
	})
	return q.classify(ctx, "send to", err)
}

// Receive polls long until a message is there. It gives at most 10 at once.
func (q *Queue) Receive(ctx context.Context, max int) ([]queue.Message, error) {
	if max < 1 {
		return nil, fault.New(fault.Invalid, "queue-receive-max", "Receive was asked for %d messages, at least 1 is needed", max)
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:                    aws.String(q.url),
			MaxNumberOfMessages:         int32(min(max, maxBatch)),
			WaitTimeSeconds:             longPoll,
			VisibilityTimeout:           seconds(q.config.Visibility),
			MessageAttributeNames:       []string{encodingAttribute},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{receiveCount, sentTimestamp},
		})
		if err != nil {
			return nil, q.classify(ctx, "receive from", err)
		}
		if len(out.Messages) > 0 {
			return messages(out.Messages)
		}
	}
}

func messages(in []types.Message) ([]queue.Message, error) {
	out := make([]queue.Message, len(in))
	for i, m := range in {
		body := []byte(aws.ToString(m.Body))
		if a, ok := m.MessageAttributes[encodingAttribute]; ok && aws.ToString(a.StringValue) == encodingBase64 {
			if raw, err := base64.StdEncoding.DecodeString(string(body)); err == nil {
				body = raw
			}
		}
		attempt, err := strconv.Atoi(m.Attributes[string(receiveCount)])
		if err != nil || attempt < 1 {
			attempt = 1
		}
		out[i] = queue.Message{ID: aws.ToString(m.MessageId), Body: body, Attempt: attempt, Receipt: aws.ToString(m.ReceiptHandle)}
		if millis, err := strconv.ParseInt(m.Attributes[string(sentTimestamp)], 10, 64); err == nil {
			out[i].Sent = time.UnixMilli(millis)
		}
	}
	return out, nil
}

// Ack deletes the message.
func (q *Queue) Ack(ctx context.Context, m queue.Message) error {
	_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(q.url), ReceiptHandle: aws.String(m.Receipt)})
	return q.classify(ctx, "delete from", err)
}

// Release makes the message visible after the delay, at most 12 hours.
func (q *Queue) Release(ctx context.Context, m queue.Message, after time.Duration) error {
	return q.Extend(ctx, m, after)
}

// Extend keeps the message invisible for d, rounded up to seconds, at most 12
// hours. Kind NotFound, code queue-receipt-stale, when the delivery is over.
func (q *Queue) Extend(ctx context.Context, m queue.Message, d time.Duration) error {
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: aws.String(q.url), ReceiptHandle: aws.String(m.Receipt), VisibilityTimeout: seconds(d),
	})
	var inFlight *types.MessageNotInflight
	var handle *types.ReceiptHandleIsInvalid
	if errors.As(err, &inFlight) || errors.As(err, &handle) {
		return fault.New(fault.NotFound, "queue-receipt-stale",
			"message %s is no longer held by this delivery (attempt %d)", m.ID, m.Attempt).Because(err)
	}
	return q.classify(ctx, "extend in", err)
}

// Bury sends the message to the dead letter queue with the reason and deletes
// it here. Without a dead letter queue it stays as it is, and the redrive
// policy takes it after its maxReceiveCount.
func (q *Queue) Bury(ctx context.Context, m queue.Message, reason string) error {
	if q.config.DeadLetterURL == "" {
		return nil
	}
	if err := q.send(ctx, q.config.DeadLetterURL, m.Body, reason); err != nil {
		return err
	}
	return q.Ack(ctx, m)
}

// Depth is what SQS says, which is approximate. Messages that wait out a delay
// count as worked on when they were received before.
func (q *Queue) Depth(ctx context.Context) (waiting, working int, err error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(q.url),
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return 0, 0, q.classify(ctx, "measure", err)
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)])
		return n
	}
	waiting = number(types.QueueAttributeNameApproximateNumberOfMessages) + number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	return waiting, number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible), nil
}

// classify gives an error of the SDK a kind. A context that ended stays what
// it is.
func (q *Queue) classify(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var gone *types.QueueDoesNotExist
	var api smithy.APIError
	switch {
	case errors.As(err, &gone):
		return fault.New(fault.NotFound, "queue-missing", "there is no queue %s; check QUEUE_URL", q.Describe()).Because(err)
	case errors.As(err, &api) && strings.Contains(api.ErrorCode(), "AccessDenied"):
		return fault.New(fault.Denied, "queue-denied", "the credentials do not allow to %s the queue %s", doing, q.Describe()).Because(err)
	}
	return fault.New(fault.Internal, "queue-failed", "could not %s the queue %s", doing, q.Describe()).Because(err)
}

// seconds rounds up, within what SQS takes.
func seconds(d time.Duration) int32 {
	d = min(max(d, 0), maxVisibility)
	return int32((d + time.Second - 1) / time.Second)
}

func stringAttribute(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(v)}
}

// textOf is a body as SQS takes it: as it is when it is text of the allowed
// characters, else in base64 with an attribute that says so.
func textOf(body []byte) (string, map[string]types.MessageAttributeValue) {
	attributes := map[string]types.MessageAttributeValue{}
	if len(body) > 0 && utf8.Valid(body) && !strings.ContainsFunc(string(body), forbidden) {
		return string(body), attributes
	}
	attributes[encodingAttribute] = stringAttribute(encodingBase64)
	return base64.StdEncoding.EncodeToString(body), attributes
}

// forbidden are the characters that SendMessage refuses: #x9 | #xA | #xD |
// #x20–#xD7FF | #xE000–#xFFFD | #x10000–#x10FFFF are allowed.
func forbidden(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// clean makes any text one that an attribute may hold, of a bounded length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if forbidden(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
	if len(s) > 1024 {
		s = strings.ToValidUTF8(s[:1024], "")
	}
	return s
}
