package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// killing is what a child process is told: what to import between which
// folders, and at which of its changes to them it dies.
type killing struct {
	Folder  string // holds slides, uploads and tmp
	Job     importer.Job
	At      int
	Halfway bool // in the middle of a write, else right after the change
}

const killingVariable = "PIMS_TEST_KILLING"

// lethal is a driver that kills its own process with SIGKILL: nothing is
// flushed, closed or deferred.
type lethal struct {
	objectstore.Driver

	killing
	steps *int
	mu    *sync.Mutex // guards steps, of all drivers of the process
}

func (l lethal) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.steps++
	return *l.steps
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}

// before and after surround a change that is made at once.
func (l lethal) before(step int) {
	if step == l.At && l.Halfway {
		die()
	}
}

func (l lethal) after(step int) {
	if step == l.At {
		die()
	}
}

func (l lethal) Put(ctx context.Context, key string, body io.Reader, size int64, o objectstore.PutOptions) (objectstore.Object, error) {
	step := l.next()
	if step == l.At && l.Halfway {
		body = io.MultiReader(io.LimitReader(body, max(1, size/2)), deadly{})
	}
	stored, err := l.Driver.Put(ctx, key, body, size, o)
	l.after(step)
	return stored, err
}

// deadly is read by the process that then dies.
type deadly struct{}

func (deadly) Read([]byte) (int, error) {
	die()
	return 0, nil
}

func (l lethal) Delete(ctx context.Context, keys []string) error {
	step := l.next()
	l.before(step)
	err := l.Driver.Delete(ctx, keys)
	l.after(step)
	return err
}

func (l lethal) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	step := l.next()
	l.before(step)
	if inner, ok := from.(lethal); ok {
		from = inner.Driver
	}
	out, done, err := l.Driver.(objectstore.Copier).CopyFrom(ctx, from, o, key, options)
	l.after(step)
	return out, done, err
}

// TestProcessThatIsKilled is the child of the test below.
func TestProcessThatIsKilled(t *testing.T) {
	var k killing
	if err := json.Unmarshal([]byte(os.Getenv(killingVariable)), &k); err != nil {
		t.Skip("it is run as a process of its own by TestAProcessKilledAtEveryStep…")
	}
	steps, mu := 0, sync.Mutex{}
	w := worldIn(t, k.Folder, func(d objectstore.Driver) objectstore.Driver {
		return lethal{Driver: d, killing: k, steps: &steps, mu: &mu}
	})
	_, err := w.importer().Import(background, k.Job)
	must(t, err)
}

// worldIn is a world that lies in a folder, and converts everything.
func worldIn(t *testing.T, folder string, wrap func(objectstore.Driver) objectstore.Driver) *world {
	t.Helper()
	names := []string{"slides", "uploads"} // in the order in which newWorld opens them
	w := newWorld(t, func(t *testing.T) objectstore.Driver {
		d, err := dir.Open(filepath.Join(folder, names[0]))
		must(t, err)
		names = names[1:]
		return wrap(d)
	})
	w.config.Convert = importer.ConvertAlways
	return w
}

func asItIs(d objectstore.Driver) objectstore.Driver { return d }

// TestAProcessKilledAtEveryStepIsFollowedByAnother kills a process that
// imports and converts, in the middle of every write and after every change in
// turn, and imports again in another: in the end the slide is whole, nothing
// else is there, and the report tells the attempts.
func TestAProcessKilledAtEveryStepIsFollowedByAnother(t *testing.T) {
	for name, file := range map[string]string{
		"viewed first":    "planartiff/strips-none.tif",
		"converted first": "planartiff/planes-deflate.tif",
	} {
		t.Run(name, func(t *testing.T) {
			var whole []string
			step := 1
			for killAndImportAgain(t, file, killing{At: step}, &whole) {
				killAndImportAgain(t, file, killing{At: step, Halfway: true}, &whole)
				step++
			}
			if step < 12 {
				t.Errorf("the process was killed at %d steps only", step-1)
			}
			t.Logf("killed twice at each of %d steps", step-1)
		})
	}
}

// killAndImportAgain tells whether the process lived long enough to be killed.
// whole is what is stored in the end, the same however it came about.
func killAndImportAgain(t *testing.T, file string, k killing, whole *[]string) bool {
	t.Helper()
	k.Folder = t.TempDir()
	temporary := filepath.Join(k.Folder, "tmp")
	must(t, os.Mkdir(temporary, 0o755))
	k.Job = worldIn(t, k.Folder, asItIs).upload(testfiles.Own(t, file))
	killed := runKilled(t, k, temporary)
	what := fmt.Sprintf("killed at step %d (halfway %t)", k.At, k.Halfway)

	w := worldIn(t, k.Folder, asItIs)
	if _, err := w.catalog.Open(background, k.Job.ID); err == nil {
		w.tileBytes(k.Job.ID) // what is visible is whole
	} else if fault.KindOf(err) != fault.NotFound {
		t.Errorf("%s: half a slide is visible: %v", what, err)
	}
	w.clock.Advance(2 * time.Minute) // the lease passes
	before, err := w.importer().Report(background, k.Job.ID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		t.Errorf("%s: the report: %v", what, err)
	}
	r, err := w.importer().Import(background, k.Job)
	if again := r != nil && r.Attempt+r.Conversion.Attempt == 3; before != nil && before.Lease != nil && !again {
		t.Errorf("%s: the report tells no second attempt: %+v", what, r)
	}
	if err != nil {
		t.Fatalf("%s, imported again: %v", what, err)
	}
	if c := r.Conversion; r.State != importer.StateDone || !r.Viewable || r.Lease != nil || r.Error != nil ||
		c == nil || c.State != importer.ConversionDone || c.Error != nil || r.Attempt < 1 || r.Attempt > 2 || c.Attempt < 1 || c.Attempt > 2 {
		t.Errorf("%s, imported again: %+v, conversion %+v", what, r, c)
	}
	v, err := w.importer().Verify(background, k.Job.ID, true, nil)
	if err != nil || !v.OK() || v.Decoded+v.Blank != v.Tiles {
		t.Errorf("%s: verify: %v, %+v", what, err, v)
	}
	stored := keys(t, w.slides, k.Job.ID)
	if *whole == nil {
		*whole = stored
	}
	if diff := gocmp.Diff(*whole, stored); diff != "" {
		t.Errorf("%s, stored (-whole +got):\n%s", what, diff)
	}
	if left := w.uploaded(); len(left) > 0 {
		t.Errorf("%s: uploads left: %v", what, left)
	}
	wantNoLitter(t, what, k.Folder, temporary)
	return killed
}

// runKilled runs the child and tells whether it was killed.
func runKilled(t *testing.T, k killing, temporary string) bool {
	t.Helper()
	told, err := json.Marshal(k)
	must(t, err)
	c := exec.Command(os.Args[0], "-test.run=^TestProcessThatIsKilled$")
	c.Env = append(os.Environ(), killingVariable+"="+string(told), "TMPDIR="+temporary)
	said, err := c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("the process ended with %v:\n%s", err, said)
	}
	return false
}

// wantNoLitter: what the killed process wrote for itself is gone, or goes when
// a store is opened a day later.
func wantNoLitter(t *testing.T, what, folder, temporary string) {
	t.Helper()
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%s: temporary files left: %v, %v", what, left, err)
	}
	for _, store := range []string{"slides", "uploads"} {
		own := filepath.Join(folder, store, ".pims-store", "tmp", "*")
		litter, err := filepath.Glob(own)
		must(t, err)
		old := time.Now().Add(-25 * time.Hour)
		for _, path := range litter {
			must(t, os.Chtimes(path, old, old))
		}
		_, err = dir.Open(filepath.Join(folder, store))
		must(t, err)
		if left, _ := filepath.Glob(own); len(left) > 0 {
			t.Errorf("%s: %s keeps %v", what, store, left)
		}
	}
}
