package importer

import (
	"encoding/json"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/slide"
)

// State is how far an import is.
type State string

// The states, in order. Done, Unpacked and Failed are final.
const (
	StateQueued      State = "queued"
	StateProbing     State = "probing"
	StateChecking    State = "checking"
	StateRegistering State = "registering"
	// StateConverting is of a slide that can be viewed only once it is
	// converted. Conversions of others show in Conversion alone.
	StateConverting State = "converting"
	StateUnpacking  State = "unpacking"
	// StateUnpacked is of an archive: its slides have imports of their own.
	StateUnpacked State = "unpacked"
	StateDone     State = "done"
	StateFailed   State = "failed"
)

// Final tells whether nothing more will happen.
func (s State) Final() bool { return s == StateDone || s == StateUnpacked || s == StateFailed }

// Report is import.json: the state of an import and what was found. Fields are
// never renamed.
type Report struct {
	ID      slide.ID `json:"id"`
	Path    string   `json:"path"` // "<id>/<name>", what goes into /image/{path}
	Name    string   `json:"name"` // as the user gave it
	Upload  Upload   `json:"upload"`
	InPlace bool     `json:"inPlace,omitempty"`
	// Properties are what the user said about the slide when it was uploaded.
	Properties []Property `json:"properties,omitempty"`
	State      State      `json:"state"`
	Progress   float64    `json:"progress"` // 0 to 1, over all stages
	Attempt    int        `json:"attempt"`  // how often work on it began

	Format string `json:"format,omitempty"` // formats.Info.ID
	// Why says what decided: the rule that recognised the format and, when
	// Viewable is false, what is missing.
	Why      string  `json:"why,omitempty"`
	Viewable bool    `json:"viewable"`
	Error    *Reason `json:"error,omitempty"`
	// Warnings are what was wrong but did not keep the slide from being
	// viewable: a label that cannot be decoded, say. At most 20.
	Warnings []Reason `json:"warnings,omitempty"`

	CreatedAt time.Time  `json:"createdAt"`
	StartedAt *time.Time `json:"startedAt,omitempty"` // of this attempt
	UpdatedAt time.Time  `json:"updatedAt"`
	Seconds   float64    `json:"seconds"` // this attempt took so long, so far
	Creator   string     `json:"creator"` // program and version

	Width        int   `json:"width,omitempty"` // pixels of level 0
	Height       int   `json:"height,omitempty"`
	Levels       int   `json:"levels,omitempty"`
	Tiles        int64 `json:"tiles,omitempty"`        // native tiles, all levels and planes
	TilesChecked int   `json:"tilesChecked,omitempty"` // of them decoded
	SourceBytes  int64 `json:"sourceBytes,omitempty"`  // size of the upload
	BytesRead    int64 `json:"bytesRead"`              // of the upload, copying not counted
	Reads        int64 `json:"reads"`                  // range reads of the upload
	SidecarBytes int64 `json:"sidecarBytes,omitempty"`
	// PixelsIdentical is true when viewers get the upload's own encoded
	// pixels, which is what registering does.
	PixelsIdentical bool `json:"pixelsIdentical,omitempty"`

	// Conversion tells of the rewriting as a COG; nil when none was needed.
	Conversion *Conversion `json:"conversion,omitempty"`
	// Archive tells of the files that an archive held; nil for a slide.
	Archive *Archive `json:"archive,omitempty"`

	// Source is where the upload's bytes lie for good, once they do.
	Source *slide.SourceObject `json:"source,omitempty"`
	// Lease is the claim of the worker that is at it; absent when nobody is.
	Lease *Lease `json:"lease,omitempty"`
}

// Reason is an error as reports carry it.
type Reason struct {
	Code   string `json:"code"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// Lease says who works on an import and until when nobody else may.
type Lease struct {
	Worker string    `json:"worker"`
	Until  time.Time `json:"until"`
}

// maxWarnings bounds what a hostile file can write into its report.
const maxWarnings = 20

// maxReportBytes bounds what is read back as a report.
const maxReportBytes = 1 << 20

func reasonOf(err error) *Reason {
	return &Reason{Code: fault.CodeOf(err), Kind: fault.KindOf(err).String(), Detail: fault.Sentence(err)}
}

// Err is the report's error as an error again, nil when there is none.
func (r *Report) Err() error {
	if r.Error == nil {
		return nil
	}
	return fault.New(kindNamed(r.Error.Kind), r.Error.Code, "%s", r.Error.Detail)
}

func kindNamed(name string) fault.Kind {
	for k := fault.Internal; k <= fault.Canceled; k++ {
		if k.String() == name {
			return k
		}
	}
	return fault.Internal
}

// warn notes something that does not fail the import.
func (r *Report) warn(err error) {
	if len(r.Warnings) < maxWarnings {
		r.Warnings = append(r.Warnings, *reasonOf(err))
	}
}

// clone is a copy that shares nothing which changes.
func (r *Report) clone() *Report {
	out := *r
	out.Warnings = append([]Reason(nil), r.Warnings...)
	if r.Lease != nil { // the one thing that is changed where it is
		lease := *r.Lease
		out.Lease = &lease
	}
	if r.Conversion != nil {
		conversion := *r.Conversion
		out.Conversion = &conversion
	}
	if r.Archive != nil {
		unpacked := *r.Archive
		unpacked.Members = append([]Member(nil), r.Archive.Members...)
		out.Archive = &unpacked
	}
	return &out
}

func (r *Report) encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fault.New(fault.Internal, "report-encode", "the import's report cannot be written as JSON").Because(err)
	}
	return append(b, '\n'), nil
}

func decodeReport(id slide.ID, b []byte) (*Report, error) {
	r := new(Report)
	if err := json.Unmarshal(b, r); err != nil || r.ID != id || r.State == "" {
		return nil, fault.New(fault.Corrupt, "report-unreadable",
			"%s is not an import report of this slide; remove it to import the upload again", id.ReportKey()).Because(err)
	}
	return r, nil
}
