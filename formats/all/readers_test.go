package all_test

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// reader is a program that reads the same files independently.
type reader string

const (
	libvips   reader = "libvips"
	tifffile  reader = "tifffile"
	pydicom   reader = "pydicom"
	openSlide reader = "OpenSlide"
)

func (r reader) modules() []string {
	if r == pydicom {
		return []string{"numpy", "imagecodecs", "pydicom", "PIL"}
	}
	return []string{"numpy", "imagecodecs", "tifffile"}
}

// missing says what is not installed, "" when the reader is here.
func (r reader) missing(t *testing.T) string {
	t.Helper()
	program := map[reader]string{libvips: "vips", openSlide: "openslide-write-png"}[r]
	if program == "" {
		if testfiles.Python(t, r.modules()...) == "" {
			return fmt.Sprintf("Python with %s is not here (scripts/setup.sh makes one; PIMS_TEST_PYTHON names another)", strings.Join(r.modules(), ", "))
		}
		return ""
	}
	if _, err := exec.LookPath(program); err != nil {
		return program + " is not installed"
	}
	return ""
}

// compareAll holds the points of files against what a reader reads.
func compareAll(t *testing.T, with reader, files []*result) {
	t.Helper()
	var read func(*testing.T, *result) (points, error)
	switch with {
	case libvips:
		read = readVips
	case openSlide:
		read = readOpenSlide
	default:
		read = readPython(t, with, files)
	}
	expected := uncompared()
	compared := 0
	for _, r := range files {
		if r.slide.foreign {
			t.Logf("%s: this build does not decode it", r.name)
			continue
		}
		want, err := read(t, r)
		if r.slide.unseen != nil {
			err = r.slide.unseen
		}
		if err == nil {
			err = r.compare(want)
		}
		why, listed := expected[r.name]
		switch {
		case err != nil && listed:
			r.row += "; not compared: " + why
		case err != nil:
			t.Errorf("%s (%s): %v", r.name, r.slide.summary, err)
		case listed:
			t.Errorf("%s is as %s reads it, the list says that it cannot be compared: %s", r.name, with, why)
		default:
			compared++
		}
	}
	t.Logf("the corner and centre tiles of all levels of %d of %d files were compared", compared, len(files))
}

// compare holds the points of a file against a reader's.
func (r *result) compare(want points) error {
	got := r.slide.points
	samples := min(got.samples, want.samples)
	if samples == 0 || len(got.values)/got.samples != len(want.values)/want.samples {
		return fmt.Errorf("%d points of %d samples, expected %d of %d", len(got.values)/max(got.samples, 1), got.samples, len(want.values)/max(want.samples, 1), want.samples)
	}
	at, sum, n := 0, 0.0, 0
	for _, plane := range r.slide.planes {
		for _, g := range r.slide.grids {
			each := r.tolerance(g)
			for i := range len(g.Xs) * len(g.Ys) {
				for c := range samples {
					a, b := got.values[(at+i)*got.samples+c], want.values[(at+i)*want.samples+c]
					difference := math.Abs(a - b)
					finite := !math.IsNaN(b) && !math.IsInf(b, 0)
					if finite == (math.IsNaN(a) || math.IsInf(a, 0)) && (g.Shrink == 1 || finite) || finite && difference > each+math.Abs(b)*1e-6 {
						return fmt.Errorf("plane %+v, level %d, sample %d at (%d, %d) is %v, expected %v", plane, g.Level, c,
							g.Xs[i%len(g.Xs)], g.Ys[i/len(g.Xs)], a, b)
					}
					if finite {
						sum, n = sum+difference, n+1
					}
				}
			}
			at += len(g.Xs) * len(g.Ys)
		}
	}
	mean := r.folder.mean
	if r.slide.anew {
		mean = 3 // of JPEG of quality 90
	}
	if mean > 0 && sum > mean*float64(n) {
		return fmt.Errorf("the values differ by %.3f in the mean, allowed are %v", sum/float64(n), mean)
	}
	return nil
}

// tolerance is what every single value may differ by.
func (r *result) tolerance(g grid) float64 {
	switch {
	case r.slide.anew:
		return 96
	case r.folder.mean > 0:
		return 255 // only the mean counts
	case g.Shrink > 1:
		return 2 // of means of means, rounded each time
	case r.slide.made && (r.slide.lossy || r.folder.with == pydicom && r.slide.d.Samples == 3):
		return 1 // of colour differences
	case r.slide.lossy && r.folder.with != libvips:
		return 4 // rounding of transforms
	}
	return 1e-4 // of seen colours, which are computed in floating point
}

// readVips reads a file with libvips' command, level by level.
func readVips(t *testing.T, r *result) (points, error) {
	t.Helper()
	out := points{samples: seenSamples}
	levels := map[int]plaintest.Picture{}
	for _, g := range r.slide.grids {
		level := g.Level
		if g.Shrink > 1 {
			level = 0
		}
		p, ok := levels[level]
		if !ok {
			path := r.path
			if level > 0 {
				path += "[page=" + strconv.Itoa(level) + "]"
			}
			var err error
			if p, err = plaintest.Vips(t, path); err != nil {
				return points{}, err
			}
			levels[level] = p
		}
		if g.Shrink > 1 {
			out.values = appendShrunk(out.values, p, g)
			continue
		}
		if p.Width != g.Width || p.Height != g.Height {
			return points{}, fmt.Errorf("level %d has %d × %d pixels, expected %d × %d", g.Level, g.Width, g.Height, p.Width, p.Height)
		}
		out.values = appendSeen(out.values, p, g, 0, 0)
	}
	return out, nil
}

// appendShrunk adds the means of blocks of a picture, of colours and of alpha
// by themselves.
func appendShrunk(values []float64, p plaintest.Picture, g grid) []float64 {
	n := g.Shrink
	for _, y := range g.Ys {
		for _, x := range g.Xs {
			var mean [seenSamples]float64
			for i := range n * n {
				at := seenSamples * ((y*n+i/n)*p.Width + x*n + i%n)
				for c := range mean {
					mean[c] += 255 * float64(p.RGBA[at+c]) / float64(n*n)
				}
			}
			alpha := mean[3] / 255
			values = append(values, mean[0]*alpha, mean[1]*alpha, mean[2]*alpha, mean[3])
		}
	}
	return values
}

// readOpenSlide has OpenSlide write tiles of the finest level, and the others
// whole: it takes places in pixels of the finest level, which are fractions there.
func readOpenSlide(t *testing.T, r *result) (points, error) {
	t.Helper()
	out := points{samples: 3}
	var region *image.NRGBA
	var left, top int
	for i, g := range r.slide.grids {
		if g.Level == 0 || r.slide.grids[i-1].Level != g.Level {
			left, top = 0, 0
			width, height := g.Width, g.Height
			if g.Level == 0 {
				left, top = g.tileX, g.tileY
				width, height = g.Xs[len(g.Xs)-1]-left+1, g.Ys[len(g.Ys)-1]-top+1
			}
			var err error
			if region, err = openSlideRegion(t, r.path, left, top, g.Level, width, height); err != nil {
				return points{}, err
			}
		}
		for _, y := range g.Ys {
			for _, x := range g.Xs {
				p := region.Pix[region.PixOffset(x-left, y-top):]
				out.values = append(out.values, float64(p[0]), float64(p[1]), float64(p[2]))
			}
		}
	}
	return out, nil
}

// openSlideRegion is a region over white, which is what viewers show where
// nothing is stored.
func openSlideRegion(t *testing.T, path string, left, top, level, width, height int) (*image.NRGBA, error) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "region.png")
	args := []string{path}
	for _, n := range []int{left, top, level, width, height} {
		args = append(args, strconv.Itoa(n))
	}
	if said, err := exec.Command("openslide-write-png", append(args, to)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openslide-write-png: %w: %s", err, said)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		return nil, err
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out := image.NewNRGBA(decoded.Bounds())
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), decoded, decoded.Bounds().Min, draw.Over)
	return out, nil
}

//go:embed testdata/matrix.py
var matrixPython string

// question is what matrix.py is asked about a file.
type question struct {
	Reader    reader   `json:"reader"`
	Path      string   `json:"path"`
	Series    bool     `json:"series"`
	OverBlack bool     `json:"overBlack"`
	Planes    [][3]int `json:"planes"`
	Grids     []grid   `json:"grids"`
}

// answer is what it says.
type answer struct {
	Error         string
	Width, Height int
	Planes        []int
	Samples       int
	Values        string
}

// readPython reads all files in one run of the interpreter.
func readPython(t *testing.T, with reader, files []*result) func(*testing.T, *result) (points, error) {
	t.Helper()
	cmd := exec.Command(testfiles.NeedPython(t, with.modules()...), "-W", "ignore", "-c", matrixPython)
	var asked, complaints bytes.Buffer
	for _, r := range files {
		q := question{Reader: with, Path: r.path, OverBlack: r.slide.made, Grids: r.slide.grids}
		switch r.slide.d.Format {
		case "IMAGEJTIFF", "OMETIFF", "PYROMETIFF":
			q.Series = true
		}
		for _, p := range r.slide.planes {
			q.Planes = append(q.Planes, [3]int{p.C, p.Z, p.T})
		}
		check(t, json.NewEncoder(&asked).Encode(q))
	}
	cmd.Stdin, cmd.Stderr = &asked, &complaints
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", with, err, complaints.String())
	}
	answers := map[*result]answer{}
	d := json.NewDecoder(bytes.NewReader(said))
	for _, r := range files {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatalf("the answer of %s to %s: %v", with, r.name, err)
		}
		answers[r] = a
	}
	return func(_ *testing.T, r *result) (points, error) { return answers[r].points(r.slide.d) }
}

// points are the values of an answer about an image as described.
func (a answer) points(d *formats.Description) (points, error) {
	if a.Error != "" {
		return points{}, errors.New("the independent reader fails: " + a.Error)
	}
	if a.Width != d.Width || a.Height != d.Height || a.Planes != nil && a.Planes[0]*a.Planes[1]*a.Planes[2] != d.Planes() {
		return points{}, fmt.Errorf("%d × %d pixels in %d planes, expected %d × %d in %v", d.Width, d.Height, d.Planes(), a.Width, a.Height, a.Planes)
	}
	raw, err := base64.StdEncoding.DecodeString(a.Values)
	if err != nil {
		return points{}, err
	}
	out := points{samples: a.Samples}
	for ; len(raw) >= 8; raw = raw[8:] {
		out.values = append(out.values, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	return out, nil
}
