package lambdaadapter

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
)

// arrival is one thing that an event asks to be imported: an object that was
// written, or a job that says it all.
type arrival struct {
	bucket string
	key    string // as the event has it
	// escaped tells that the key is percent-encoded with "+" for a blank, as it
	// is in S3's own notifications; EventBridge has plain keys.
	escaped bool
	etag    string // without quotes; empty when the event does not tell
	size    int64  // bytes

	job *importer.Job
}

// envelope has the members by which the shapes of events are told apart.
type envelope struct {
	Records []json.RawMessage `json:"Records"`
	Event   string            `json:"Event"` // s3:TestEvent

	Type    string `json:"Type"` // SNS in SQS
	Message string `json:"Message"`

	Source     string `json:"source"` // EventBridge
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size int64  `json:"size"`
			ETag string `json:"etag"`
		} `json:"object"`
	} `json:"detail"`

	Upload json.RawMessage `json:"upload"` // a job of ours
}

// record is one element of Records, whatever service sent it. JSON names are
// read in any case, so SNS' "EventSource" is the same member.
type record struct {
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	S3          *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size int64  `json:"size"`
			ETag string `json:"eTag"`
		} `json:"object"`
	} `json:"s3"`
	SNS *struct {
		Message string `json:"Message"`
	} `json:"Sns"`
	MessageID      string  `json:"messageId"` // SQS
	ReceiptHandle  string  `json:"receiptHandle"`
	EventSourceARN string  `json:"eventSourceARN"`
	Body           *string `json:"body"`
	Attributes     struct {
		ReceiveCount string `json:"ApproximateReceiveCount"`
		Sent         string `json:"SentTimestamp"` // milliseconds since 1970
	} `json:"attributes"`
}

// maxWraps bounds envelopes inside envelopes: SNS in SQS is two.
const maxWraps = 4

// arrivals reads an event: an S3 notification as it is or inside SNS, an
// EventBridge event, or a job. What is no arrival (test events, deletions, a
// confirmation of SNS) gives nothing; kind Invalid when the shape is unknown.
func arrivals(body []byte, wraps int) ([]arrival, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || wraps > maxWraps {
		return nil, fault.New(fault.Invalid, "event-unreadable", "the message is not the JSON of a storage event or an import job").Because(err)
	}
	switch {
	case e.Event == "s3:TestEvent":
		return nil, nil
	case e.Records != nil:
		return ofRecords(e.Records, wraps)
	case e.Type == "Notification":
		return arrivals([]byte(e.Message), wraps+1)
	case e.Type == "SubscriptionConfirmation" || e.Type == "UnsubscribeConfirmation":
		return nil, nil
	case e.DetailType != "":
		return ofEventBridge(e)
	case e.Upload != nil:
		job, err := importer.DecodeJob(body)
		if err != nil {
			return nil, err
		}
		return []arrival{{job: &job}}, nil
	default:
		return nil, fault.New(fault.Invalid, "event-unknown",
			"the message is neither an S3 notification (plain or in SNS), an EventBridge event of S3, nor an import job")
	}
}

func ofRecords(records []json.RawMessage, wraps int) ([]arrival, error) {
	var out []arrival
	for _, raw := range records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fault.New(fault.Invalid, "event-unreadable", "a record of the event can not be read").Because(err)
		}
		switch {
		case r.S3 != nil:
			// "ObjectCreated:Put"; other servers write "s3:ObjectCreated:Put".
			if strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
				out = append(out, arrival{bucket: r.S3.Bucket.Name, key: r.S3.Object.Key, escaped: true,
					etag: strings.Trim(r.S3.Object.ETag, `"`), size: r.S3.Object.Size})
			}
		case r.SNS != nil:
			more, err := arrivals([]byte(r.SNS.Message), wraps+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		default:
			return nil, fault.New(fault.Invalid, "event-unknown", "a record of the event is of %q: expected S3, SNS or SQS", r.EventSource)
		}
	}
	return out, nil
}

func ofEventBridge(e envelope) ([]arrival, error) {
	if e.Source != "aws.s3" {
		return nil, fault.New(fault.Invalid, "event-unknown",
			"the event is of %q: expected aws.s3; check the rule that sends events here", e.Source)
	}
	if e.DetailType != "Object Created" {
		return nil, nil
	}
	return []arrival{{bucket: e.Detail.Bucket.Name, key: e.Detail.Object.Key,
		etag: strings.Trim(e.Detail.Object.ETag, `"`), size: e.Detail.Object.Size}}, nil
}

// names gives the keys that the arrival may mean, the likeliest first. A key
// with "+" or "%" that a server forgot to escape reads as another one.
func (a arrival) names() []string {
	if !a.escaped {
		return []string{a.key}
	}
	plain, err := url.QueryUnescape(a.key)
	if err != nil || plain == a.key {
		return []string{a.key}
	}
	return []string{plain, a.key}
}

// ours matches what the program writes itself: were it imported, each import
// would cause the next.
var ours = regexp.MustCompile(`(^|/)upload-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/processed(/|$)`)

// wanted reports whether a key can be an upload: no folder marker, nothing of
// our own, nothing that the stores keep for themselves.
func wanted(key string) bool {
	return key != "" && !strings.HasSuffix(key, "/") && !ours.MatchString(key)
}
