// Package webhook tells another program, over HTTP, what happens to imports.
//
// Every event of an import (pims-api §6.4) becomes one POST of a JSON object
//
//	{"event":"end_successful_import","delivery":"…","at":"…","report":{…}}
//
// with the headers X-Pims-Event, X-Pims-Delivery, X-Pims-Timestamp (seconds
// since 1970) and, when there is a secret, X-Pims-Signature: "sha256=" and the
// hexadecimal HMAC-SHA256 of timestamp, ".", body. Any status from 200 to 299
// accepts it; anything else is tried again with growing pauses. A delivery may
// come twice, with the same X-Pims-Delivery. Events of one import come in
// order. What can not be delivered is told in the log and changes no import.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
)

// Config says who is told.
type Config struct {
	URL    string `env:"WEBHOOK_URL" desc:"Where events of imports are sent as JSON, an http:// or https:// URL; empty for nowhere."`
	Secret string `env:"WEBHOOK_SECRET" secret:"true" desc:"Signs the events: X-Pims-Signature is their HMAC-SHA256 with it."`
	// Attempts and Timeout bound what one event may cost.
	Attempts int           `env:"WEBHOOK_ATTEMPTS" envDefault:"5" desc:"How often one event is tried, with growing pauses."`
	Timeout  time.Duration `env:"WEBHOOK_TIMEOUT" envDefault:"10s" desc:"How long one try may take."`
	Wait     bool          `env:"WEBHOOK_WAIT" envDefault:"false" desc:"Deliver each event before the import goes on: for functions, which stand still when there is nothing to do."`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "config-value", format, args...)
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return bad("WEBHOOK_URL is no URL that events can be sent to: expected http://host/path or https://host/path")
		}
	}
	if c.Attempts < 1 || c.Attempts > 20 {
		return bad("WEBHOOK_ATTEMPTS is %d: expected 1 to 20", c.Attempts)
	}
	if c.Timeout < time.Second || c.Timeout > time.Minute {
		return bad("WEBHOOK_TIMEOUT is %s: expected 1s to 1m", c.Timeout)
	}
	return nil
}

// waiting is how many events may wait for a slow receiver.
const waiting = 1024

// firstPause is doubled after every try.
const firstPause = time.Second

// Listener sends events. Make it with New and close it. It is safe for
// concurrent use.
type Listener struct {
	config Config
	log    *slog.Logger
	client *http.Client
	now    func() time.Time
	pause  time.Duration

	events chan delivery
	cut    context.CancelFunc // ends what is being sent
	done   chan struct{}      // closed when the sender has ended

	mu     sync.RWMutex // guards closed; held for reading while an event is queued
	closed bool
}

// delivery is one event on its way.
type delivery struct {
	event  importer.EventName
	id     string
	slide  string
	body   []byte
	finish chan struct{} // closed when it was delivered or given up
}

// New starts the sender of a valid configuration that has a URL.
func New(c Config, log *slog.Logger) *Listener {
	ctx, cut := context.WithCancel(context.Background())
	l := &Listener{
		config: c, log: log, now: time.Now, pause: firstPause, cut: cut,
		// A redirect would send reports to somebody else than was configured.
		client: &http.Client{Timeout: c.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		events: make(chan delivery, waiting), done: make(chan struct{}),
	}
	go l.send(ctx)
	return l
}

// Notify queues the event; with Config.Wait it returns when it was delivered or
// given up. An event for which there is no room is dropped.
func (l *Listener) Notify(ctx context.Context, e importer.Event) {
	d := delivery{event: e.Name, id: uuid.NewString(), slide: string(e.Report.ID), finish: make(chan struct{})}
	body, err := json.Marshal(struct {
		Event    importer.EventName `json:"event"`
		Delivery string             `json:"delivery"`
		At       time.Time          `json:"at"`
		Report   importer.Report    `json:"report"`
	}{e.Name, d.id, l.now().UTC(), e.Report})
	if err != nil {
		l.lost(d, err)
		return
	}
	d.body = body
	if !l.queue(d) {
		l.lost(d, fmt.Errorf("%d events wait already, or the program ends", waiting))
		return
	}
	if l.config.Wait {
		select {
		case <-d.finish:
		case <-ctx.Done():
		}
	}
}

func (l *Listener) queue(d delivery) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return false
	}
	select {
	case l.events <- d:
		return true
	default:
		return false
	}
}

// Close delivers what waits, until ctx ends, and stops the sender.
func (l *Listener) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.events)
	}
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
	}
	l.cut()
	<-l.done
	return nil
}

// send delivers one event after the other, so that those of one import stay in
// order.
func (l *Listener) send(ctx context.Context) {
	defer close(l.done)
	for d := range l.events {
		if err := l.deliver(ctx, d); err != nil {
			l.lost(d, err)
		}
		close(d.finish)
	}
}

func (l *Listener) deliver(ctx context.Context, d delivery) error {
	pause := l.pause
	for try := 1; ; try++ {
		err := l.try(ctx, d)
		if err == nil {
			return nil
		}
		if try == l.config.Attempts || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		pause *= 2
	}
}

func (l *Listener) try(ctx context.Context, d delivery) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.config.URL, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(l.now().Unix(), 10)
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "pims")
	h.Set("X-Pims-Event", string(d.event))
	h.Set("X-Pims-Delivery", d.id)
	h.Set("X-Pims-Timestamp", at)
	if l.config.Secret != "" {
		h.Set("X-Pims-Signature", Sign(l.config.Secret, at, d.body))
	}
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// A short answer is read to its end, so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", response.Status)
	}
	return nil
}

// Sign is what X-Pims-Signature must be for a timestamp and body.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// lost logs an event that nobody got; errors of net/http name the URL, which
// may hold a password, so only what lies below is told.
func (l *Listener) lost(d delivery, err error) {
	if inner, ok := err.(*url.Error); ok {
		err = inner.Err
	}
	l.log.Warn("an event of an import was not delivered", "event", string(d.event), "slide", d.slide, "delivery", d.id, "error", err.Error())
}
