package svs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// describe opens a slide file and describes it.
func describe(t *testing.T, path string) (formats.Image, *formats.Description) {
	t.Helper()
	ctx := context.Background()
	image, err := svs.New().Open(ctx, formatstest.NewBundle(formatstest.Load(t, path)))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	d, err := image.Describe(ctx)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	return image, d
}

// TestLevelsAreOpenSlides compares with the properties that OpenSlide printed
// for the shared slides.
func TestLevelsAreOpenSlides(t *testing.T) {
	for _, name := range []string{
		"svs/CMU-1-Small-Region.svs", "svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs",
		"synthetic/aperio-jpeg.svs", "synthetic/aperio-j2k-33003-ycbcr.svs", "synthetic/aperio-j2k-33005-rgb.svs",
	} {
		t.Run(name, func(t *testing.T) {
			printed, err := os.ReadFile(testfiles.Shared(t, filepath.Dir(name)+"/openslide-properties/"+filepath.Base(name)+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			_, d := describe(t, testfiles.Shared(t, name))
			compareWithOpenSlide(t, string(printed), d)
		})
	}
}

// TestOwnSlidesAgreeWithOpenSlide asks the OpenSlide of this machine.
func TestOwnSlidesAgreeWithOpenSlide(t *testing.T) {
	tool, err := exec.LookPath("openslide-show-properties")
	if err != nil {
		t.Skip("openslide-show-properties is not installed")
	}
	for _, path := range ownSlides(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			printed, err := exec.Command(tool, path).Output()
			if err != nil {
				t.Fatal(err)
			}
			_, d := describe(t, path)
			compareWithOpenSlide(t, string(printed), d)
		})
	}
}

func ownSlides(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testfiles.Own(t, "svs"), "*.svs"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/svs has no slides: %v", err)
	}
	return paths
}

var property = regexp.MustCompile(`(?m)^(openslide\.[^:]+): '([^']*)'$`)

func compareWithOpenSlide(t *testing.T, printed string, d *formats.Description) {
	t.Helper()
	properties := map[string]string{}
	for _, match := range property.FindAllStringSubmatch(printed, -1) {
		properties[match[1]] = match[2]
	}
	expect := func(key string, got any) {
		t.Helper()
		want, ok := properties[key]
		if text := fmt.Sprint(got); text != want || !ok {
			t.Errorf("%s is %q, OpenSlide says %q", key, text, want)
		}
	}
	expect("openslide.level-count", len(d.Levels))
	for i, l := range d.Levels {
		prefix := fmt.Sprintf("openslide.level[%d].", i)
		expect(prefix+"width", l.Width)
		expect(prefix+"height", l.Height)
		expect(prefix+"tile-width", l.TileWidth)
		expect(prefix+"tile-height", l.TileHeight)
	}
	for key, got := range map[string]*float64{
		"openslide.mpp-x": d.PhysicalSizeX, "openslide.mpp-y": d.PhysicalSizeY, "openslide.objective-power": d.NominalMagnification,
	} {
		if got != nil {
			expect(key, strconv.FormatFloat(*got, 'f', -1, 64))
		} else if _, has := properties[key]; has {
			t.Errorf("%s is missing, OpenSlide says %q", key, properties[key])
		}
	}
	if !strings.Contains(printed, "aperio") {
		t.Error("OpenSlide does not take the file for an Aperio slide")
	}
}
