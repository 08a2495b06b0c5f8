package sqstest

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

const (
	maxBodyBytes      = 256 << 10
	maxTimeoutSeconds = 12 * 60 * 60
)

// attribute is a message attribute.
type attribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue *string `json:",omitempty"` // base64
}

// message is one message of a queue.
type message struct {
	id         string
	body       string
	attributes map[string]attribute
	sentAt     time.Time
	firstAt    time.Time // received first
	visibleAt  time.Time
	received   int
	receipt    string
}

// memoryQueue is one queue. The server's lock guards it.
type memoryQueue struct {
	name       string
	attributes map[string]string
	messages   []*message
	changed    chan struct{} // closed and replaced when something may be visible
}

func newMemoryQueue(name string) *memoryQueue {
	return &memoryQueue{name: name, attributes: map[string]string{"VisibilityTimeout": "30"}, changed: make(chan struct{})}
}

func (q *memoryQueue) add(m *message) {
	q.messages = append(q.messages, m)
	q.wake()
}

func (q *memoryQueue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// send adds a message, with SQS's rules for what a body may be.
func (q *memoryQueue) send(now time.Time, e entry) (object, error) {
	size := len(e.MessageBody)
	for name, a := range e.MessageAttributes {
		size += len(name) + len(a.DataType)
		if a.StringValue != nil {
			size += len(*a.StringValue)
		}
	}
	if size > maxBodyBytes || e.MessageBody == "" {
		return nil, bad("InvalidParameterValue", "the message has %d bytes, expected 1 to %d", size, maxBodyBytes)
	}
	if !utf8.ValidString(e.MessageBody) || strings.ContainsFunc(e.MessageBody, notAllowed) {
		return nil, bad("InvalidMessageContents", "the message contains characters outside the allowed set")
	}
	m := &message{id: uuid.NewString(), body: e.MessageBody, attributes: e.MessageAttributes, sentAt: now}
	if e.DelaySeconds != nil {
		m.visibleAt = now.Add(time.Duration(*e.DelaySeconds) * time.Second)
	}
	q.add(m)
	out := object{"MessageId": m.id, "MD5OfMessageBody": digest(m.body)}
	if len(m.attributes) > 0 {
		out["MD5OfMessageAttributes"] = attributesDigest(m.attributes)
	}
	return out, nil
}

func notAllowed(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// take delivers up to limit visible messages, and says when the next of the
// others becomes visible.
func (q *memoryQueue) take(now time.Time, in *input, limit int) (out []object, next time.Time, err error) {
	timeout, err := strconv.Atoi(q.attributes["VisibilityTimeout"])
	if in.VisibilityTimeout != nil {
		timeout, err = *in.VisibilityTimeout, nil
	}
	if err != nil || timeout < 0 || timeout > maxTimeoutSeconds {
		return nil, next, bad("InvalidParameterValue", "VisibilityTimeout is %d, expected 0 to %d", timeout, maxTimeoutSeconds)
	}
	for _, m := range q.messages {
		if m.visibleAt.After(now) {
			if next.IsZero() || m.visibleAt.Before(next) {
				next = m.visibleAt
			}
			continue
		}
		if len(out) == limit {
			break
		}
		m.received++
		if m.firstAt.IsZero() {
			m.firstAt = now
		}
		m.receipt = uuid.NewString()
		m.visibleAt = now.Add(time.Duration(timeout) * time.Second)
		out = append(out, m.encode(in))
	}
	return out, next, nil
}

// encode is a delivery as the client asked to see it.
func (m *message) encode(in *input) object {
	out := object{"MessageId": m.id, "ReceiptHandle": m.receipt, "Body": m.body, "MD5OfBody": digest(m.body)}
	system := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"SentTimestamp":                    strconv.FormatInt(m.sentAt.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.firstAt.UnixMilli(), 10),
		"SenderId":                         account,
	}
	names := append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...)
	maps.DeleteFunc(system, func(name, _ string) bool { return !wanted(names, name) })
	if len(system) > 0 {
		out["Attributes"] = system
	}
	chosen := maps.Clone(m.attributes)
	maps.DeleteFunc(chosen, func(name string, _ attribute) bool { return !wanted(in.MessageAttributeNames, name) })
	if len(chosen) > 0 {
		out["MessageAttributes"] = chosen
		out["MD5OfMessageAttributes"] = attributesDigest(chosen)
	}
	return out
}

func wanted(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		prefix, wild := strings.CutSuffix(n, ".*")
		return n == "All" || n == name || wild && strings.HasPrefix(name, prefix)
	})
}

// delete removes a message by its last receipt; an old one deletes nothing.
func (q *memoryQueue) delete(receipt string) error {
	if receipt == "" {
		return &apiError{status: 400, code: "ReceiptHandleIsInvalid", text: "The input receipt handle is invalid."}
	}
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == receipt })
	return nil
}

func (q *memoryQueue) changeVisibility(now time.Time, receipt string, timeout *int) error {
	if timeout == nil || *timeout < 0 || *timeout > maxTimeoutSeconds {
		return bad("InvalidParameterValue", "VisibilityTimeout must be 0 to %d", maxTimeoutSeconds)
	}
	for _, m := range q.messages {
		if m.receipt != receipt || receipt == "" {
			continue
		}
		if !m.visibleAt.After(now) {
			break
		}
		m.visibleAt = now.Add(time.Duration(*timeout) * time.Second)
		q.wake()
		return nil
	}
	return &apiError{status: 400, code: "MessageNotInflight", query: "AWS.SimpleQueueService.MessageNotInflight", text: "The message is not in flight."}
}

// removeReceived takes out the visible messages that were received most times.
func (q *memoryQueue) removeReceived(now time.Time, most int) (out []*message) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		gone := m.received >= most && !m.visibleAt.After(now)
		if gone {
			out = append(out, m)
		}
		return gone
	})
	return out
}

// describe is GetQueueAttributes' answer.
func (q *memoryQueue) describe(now time.Time) map[string]string {
	var visible, flying, delayed int
	for _, m := range q.messages {
		switch {
		case !m.visibleAt.After(now):
			visible++
		case m.received > 0:
			flying++
		default:
			delayed++
		}
	}
	out := maps.Clone(q.attributes)
	out["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(flying)
	out["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	out["QueueArn"] = "arn:aws:sqs:" + region + ":" + account + ":" + q.name
	return out
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// attributesDigest is SQS's MD5 over attributes: sorted by name, each as
// length-prefixed name and type, one byte for string (1) or binary (2), and the
// length-prefixed value (Developer Guide, "Calculating the MD5 message digest
// for message attributes").
func attributesDigest(attributes map[string]attribute) string {
	var b []byte
	put := func(v []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		put([]byte(name))
		put([]byte(a.DataType))
		if a.BinaryValue != nil {
			raw, _ := base64.StdEncoding.DecodeString(*a.BinaryValue)
			b = append(b, 2)
			put(raw)
			continue
		}
		b = append(b, 1)
		if a.StringValue != nil {
			put([]byte(*a.StringValue))
		}
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
