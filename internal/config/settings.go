package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config/units"
	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// Config is every setting of the program.
type Config struct {
	Server Server
	Stores Stores
	Queue  Queue
	Cache  cache.Config
	Slides slide.Config
	Lambda lambdaadapter.Config
	Log    telemetry.Config

	// Ignored lists settings of PIMS that are set but mean nothing here, for
	// one line in the start log.
	Ignored []string `env:"-"`

	folder  string
	origins map[string]string // variable → where its value came from
}

// Server is where and how the program listens.
type Server struct {
	// Host is 127.0.0.1 by default, unlike PIMS' 0.0.0.0: without
	// authentication, patients' slides must not be on the network because
	// somebody tried the program. Images for containers set 0.0.0.0.
	Host string `env:"HOST" envDefault:"127.0.0.1" desc:"Address to listen on. The default is reachable from this machine only; containers and servers set 0.0.0.0."`
	Port int    `env:"PORT" envDefault:"5000" desc:"TCP port to listen on; 0 takes a free one."`
	// BasePath is a prefix of all routes: empty, or "/a/b" without trailing slash.
	BasePath        string        `env:"API_BASE_PATH" desc:"Prefix of all routes, such as /ims; empty for none."`
	ShutdownTimeout units.Seconds `env:"GRACEFUL_TIMEOUT" envDefault:"30" desc:"How long a stopping program lets requests and imports that have begun finish, in seconds."`
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
	return nil
}

// Stores says where slides and uploads lie.
type Stores struct {
	Slides  StoreURL `env:"STORE_URL" envDefault:"file:data/slides" desc:"Where slides are stored: file:///folder, s3://bucket/prefix or memory:. The S3 endpoint and credentials come from the AWS SDK's own variables."`
	Uploads StoreURL `env:"UPLOADS_URL" envDefault:"file:data/uploads" desc:"Where files to import arrive; a folder is watched. Same forms as STORE_URL."`
	// S3PathStyle is for servers that have no DNS name per bucket.
	S3PathStyle bool `env:"S3_PATH_STYLE" envDefault:"false" desc:"Address buckets as endpoint/bucket rather than bucket.endpoint: for LocalStack, MinIO and other S3-compatible servers."`
}

// Validate checks that uploads and slides do not lie inside each other: a
// slide's own objects would be taken for uploads and imported again, forever.
func (s Stores) Validate() error {
	if s.Slides.Contains(s.Uploads) || s.Uploads.Contains(s.Slides) {
		return fault.New(fault.Invalid, "config-value",
			"UPLOADS_URL is %q and STORE_URL is %q: expected two places of which neither lies inside the other, for example two folders side by side",
			s.Uploads, s.Slides)
	}
	return nil
}

// Queue says where imports wait.
type Queue struct {
	// URL is "local:" with an optional folder for the journal, or the URL of an
	// SQS queue.
	URL string `env:"QUEUE_URL" envDefault:"local:data/queue" desc:"Where imports wait: local:FOLDER (a journal on disk, worked on by this process), or the URL of an SQS queue."`
}

// Local is the journal's folder when the queue is in this process.
func (q Queue) Local() (folder string, ok bool) {
	folder, ok = strings.CutPrefix(q.URL, "local:")
	if ok && folder == "" {
		folder = "data/queue"
	}
	return folder, ok
}

// Validate checks the form of the URL.
func (q Queue) Validate() error {
	if _, local := q.Local(); local || strings.HasPrefix(q.URL, "https://") || strings.HasPrefix(q.URL, "http://") {
		return nil
	}
	return fault.New(fault.Invalid, "config-value",
		"QUEUE_URL is %q: expected local:, local:FOLDER, or the https:// URL of an SQS queue", q.URL)
}
