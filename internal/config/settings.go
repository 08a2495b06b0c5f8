package config

import (
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config/units"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/importer/watch"
	"github.com/pims-cloud/pims/internal/importer/webhook"
	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue/sqs"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// Config is every setting of the program.
type Config struct {
	Server  Server
	Store   objectstore.Config
	Queue   Queue
	SQS     sqs.Config
	Import  importer.Config
	Watch   watch.Config
	Webhook webhook.Config
	Formats Formats
	Slides  slide.Config
	Cache   cache.Config
	Render  render.Config
	HTTP    httpapi.Config
	Access  access.Config
	Lambda  lambdaadapter.Config
	Log     telemetry.Config
	Metrics telemetry.MetricsConfig

	// Ignored lists settings of PIMS that are set but mean nothing here, for
	// one line in the start log.
	Ignored []string `env:"-"`

	origins map[string]string // variable → where its value came from
}

// Given reports whether a setting was set, by file, environment or an alias.
func (c *Config) Given(name string) bool { return c.origins[name] != "" }

// Validate checks what concerns several packages: uploads and slides must not
// lie inside each other, or a slide's own objects would be taken for uploads
// and imported again, forever.
func (c *Config) Validate() error {
	slides, err1 := objectstore.ParseURL(c.Store.SlidesURL)
	uploads, err2 := objectstore.ParseURL(c.Store.UploadsURL)
	if err1 != nil || err2 != nil {
		return nil // told by the store's own Validate
	}
	if contains(slides, uploads) || contains(uploads, slides) {
		return fault.New(fault.Invalid, "config-value",
			"UPLOADS_URL is %q and STORE_URL is %q: expected two places of which neither lies inside the other, for example two folders side by side",
			uploads, slides)
	}
	return nil
}

// contains reports whether inner is outer or lies inside it. Two memory stores
// are always two places.
func contains(outer, inner objectstore.Location) bool {
	if outer.Scheme != inner.Scheme {
		return false
	}
	switch outer.Scheme {
	case objectstore.SchemeFile:
		a, err1 := filepath.Abs(outer.Path)
		b, err2 := filepath.Abs(inner.Path)
		return err1 == nil && err2 == nil && strings.HasPrefix(b+"/", strings.TrimSuffix(a, "/")+"/")
	case objectstore.SchemeS3:
		return outer.Bucket == inner.Bucket && strings.HasPrefix(inner.Prefix, outer.Prefix)
	default:
		return false
	}
}

// Server is where and how the program listens.
type Server struct {
	// Host is 127.0.0.1 by default, unlike PIMS' 0.0.0.0: patients' slides must
	// not be on the network, without authentication, because somebody tried the
	// program. Images for containers set 0.0.0.0.
	Host string `env:"HOST" envDefault:"127.0.0.1" desc:"Address to listen on. The default is reachable from this machine only; containers and servers set 0.0.0.0."`
	Port int    `env:"PORT" envDefault:"5000" desc:"TCP port to listen on; 0 takes a free one."`
	// BasePath is a prefix of all routes: empty, or "/a/b" without trailing slash.
	BasePath        string        `env:"API_BASE_PATH" desc:"Prefix of all routes, such as /ims; empty for none."`
	ShutdownTimeout units.Seconds `env:"GRACEFUL_TIMEOUT" envDefault:"30" desc:"How long a stopping program lets requests and imports that have begun finish, in seconds."`
	// Worker is where "pims worker" answers probes and scrapes; empty: nowhere.
	Worker string `env:"WORKER_LISTEN" desc:"Where pims worker answers /ping, /ready and /metrics: host:port, such as 127.0.0.1:5001, port 0 for a free one; empty: nowhere. The image sets 0.0.0.0:5000."`
	Demo   bool   `env:"DEMO_SLIDE" envDefault:"false" desc:"Import a generated demonstration slide when the store is empty at start."`
}

// Address is what a listener takes.
func (s Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// Validate checks port and prefix.
func (s Server) Validate() error {
	if s.Port < 0 || s.Port > 65535 {
		return fault.New(fault.Invalid, "config-value", "PORT is %d: expected a port from 0 to 65535", s.Port)
	}
	if !basePath.MatchString(s.BasePath) {
		return fault.New(fault.Invalid, "config-value",
			"API_BASE_PATH is %q: expected a path that starts with / and does not end with it, such as /ims, or nothing", s.BasePath)
	}
	if s.Worker == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(s.Worker)
	if _, numeric := strconv.ParseUint(port, 10, 16); err != nil || numeric != nil {
		return fault.New(fault.Invalid, "config-value", "WORKER_LISTEN is %q: expected host:port, such as 127.0.0.1:5001, or nothing", s.Worker)
	}
	return nil
}

// Queue says where imports wait.
type Queue struct {
	// URL is "local:" with an optional folder for the journal, or the URL of an
	// SQS queue.
	URL string `env:"QUEUE_URL" envDefault:"local:data/queue" desc:"Where imports wait: local:FOLDER (a journal on disk, worked on by this process), or the URL of an SQS queue."`
	// ConvertURL is of the same kinds; empty means beside the import queue when
	// that is local, and no queue otherwise.
	ConvertURL string `env:"QUEUE_CONVERT_URL" desc:"Where conversions wait: local:FOLDER or the URL of an SQS queue. Empty means a folder beside a local import queue; with an SQS import queue, each process then converts what it has imported right after."`
	// LargeURL is where a function sends the conversions that are beyond it.
	LargeURL string `env:"QUEUE_CONVERT_LARGE_URL" desc:"URL of the SQS queue for conversions that take longer than CONVERT_LONGEST or need libvips where a function has none; a worker's QUEUE_CONVERT_URL. Empty: they stay in the convert queue, and what needs libvips fails."`
}

// Local is the journal's folder when the queue is in this process.
func (q Queue) Local() (folder string, ok bool) {
	folder, ok = strings.CutPrefix(q.URL, "local:")
	if ok && folder == "" {
		folder = "data/queue"
	}
	return folder, ok
}

// Convert is the queue of conversions: a folder, a URL, or neither when there
// is none.
func (q Queue) Convert() (folder, url string) {
	beside, isLocal := q.Local()
	folder, named := strings.CutPrefix(q.ConvertURL, "local:")
	switch {
	case named && folder != "":
		return folder, ""
	case (named || q.ConvertURL == "") && isLocal:
		return filepath.Clean(beside) + "-convert", ""
	case named:
		return filepath.FromSlash("data/queue-convert"), ""
	default:
		return "", q.ConvertURL
	}
}

// Validate checks the form of the URL.
func (q Queue) Validate() error {
	remote := func(url string) bool { return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") }
	if c := q.ConvertURL; c != "" && !strings.HasPrefix(c, "local:") && !remote(c) {
		return fault.New(fault.Invalid, "config-value",
			"QUEUE_CONVERT_URL is %q: expected nothing, local:, local:FOLDER, or the https:// URL of an SQS queue", c)
	}
	if c := q.LargeURL; c != "" && (!remote(c) || c == q.ConvertURL || c == q.URL) {
		return fault.New(fault.Invalid, "config-value",
			"QUEUE_CONVERT_LARGE_URL is %q: expected nothing, or the https:// URL of an SQS queue that is neither QUEUE_URL nor QUEUE_CONVERT_URL", c)
	}
	if folder, url := q.Convert(); url != "" && url == q.URL || folder != "" && "local:"+folder == q.URL {
		return fault.New(fault.Invalid, "config-value",
			"QUEUE_CONVERT_URL and QUEUE_URL are both %q: expected two queues, so that long conversions do not keep imports waiting", q.URL)
	}
	if _, local := q.Local(); local || remote(q.URL) {
		return nil
	}
	return fault.New(fault.Invalid, "config-value",
		"QUEUE_URL is %q: expected local:, local:FOLDER, or the https:// URL of an SQS queue", q.URL)
}

// Formats says how files are recognised.
type Formats struct {
	// ResolutionFile need not exist unless it was named.
	ResolutionFile string `env:"CHECKER_RESOLUTION_FILE" envDefault:"checkerResolution.csv" desc:"CSV file with the order in which formats are tried (columns name and resolution_order, lower first). A file of the default name may be missing."`
}
