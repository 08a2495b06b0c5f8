package runtimetest

import (
	"encoding/json"
	"fmt"
)

// SQSEvent is the event of an SQS event source with these message bodies; the
// ids are "message-0", "message-1" …
func SQSEvent(bodies ...string) []byte {
	type message struct {
		MessageID      string `json:"messageId"`
		ReceiptHandle  string `json:"receiptHandle"`
		Body           string `json:"body"`
		EventSource    string `json:"eventSource"`
		EventSourceARN string `json:"eventSourceARN"`
	}
	var event struct {
		Records []message `json:"Records"`
	}
	for i, body := range bodies {
		event.Records = append(event.Records, message{MessageID: fmt.Sprintf("message-%d", i), ReceiptHandle: fmt.Sprintf("receipt-%d", i),
			Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:imports"})
	}
	out, _ := json.Marshal(event) // strings always have a JSON form
	return out
}
