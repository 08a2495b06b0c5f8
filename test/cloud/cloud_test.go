package cloud_test

import (
	"bytes"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const slides = 20

// TestTwentySlidesAtOnce is the promise of the whole: whatever comes twice, late
// or not at all because a process was killed, in the end every slide can be
// viewed, was imported once, and nothing else lies anywhere.
func TestTwentySlidesAtOnce(t *testing.T) {
	w := newWorld(t)
	sent := w.uploadAll(t)

	// The bucket tells of each, twice and in any order, beside the messages that
	// the completed uploads have sent.
	var events []string
	for _, u := range sent {
		events = append(events, u.event, u.event)
	}
	dice := rand.New(rand.NewPCG(7, 20)) //nolint:gosec // the same order every time
	dice.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, event := range events {
		if err := w.imports.queue.Send(t.Context(), []byte(event)); err != nil {
			t.Fatal(err)
		}
	}

	// One import is killed when all but its sidecar is stored.
	victim := w.imports.environments[0]
	killed := w.importWires[0].once(func(r *http.Request) bool {
		return r.Method == http.MethodPut && sidecar.MatchString(r.URL.Path)
	}, victim.Kill)
	w.imports.drain(t)
	if !killed() || victim.Starts() < 2 || w.imports.deaths != 1 {
		t.Errorf("killed %v, %d processes, %d deaths seen; want one import killed and its function started again",
			killed(), victim.Starts(), w.imports.deaths)
	}
	t.Logf("%d invocations of the import functions", w.imports.invocations)

	// One tile function is killed while it reads the slide.
	tilesKilled := w.tilesWire.once(func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".svs")
	}, w.tiles.Kill)
	failed := 0
	for _, u := range sent {
		w.view(t, u, &failed)
	}
	if !tilesKilled() || failed != 1 || w.tiles.Starts() != 2 {
		t.Errorf("killed %v, %d requests failed, %d processes; want one request to fail and the next to be answered by a new process",
			tilesKilled(), failed, w.tiles.Starts())
	}
	w.importedOnce(t, sent)
	w.nothingLeft(t, sent)
}

// view looks at a slide's tile as a client does that asks again once.
func (w *world) view(t *testing.T, u upload, failed *int) {
	t.Helper()
	status, body := w.get(t, w.metadataURL+"/imports/"+u.id)
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"state":"done"`)) {
		t.Errorf("%s: import status %d: %.300s", u.name, status, body)
		return
	}
	address := w.tilesURL + "/image/" + u.path + "/tile/level/0/tx/0/ty/0.jpg"
	status, body = w.get(t, address)
	if status == http.StatusBadGateway {
		*failed++
		status, body = w.get(t, address)
	}
	if status != http.StatusOK {
		t.Errorf("%s: tile status %d: %.300s", u.name, status, body)
		return
	}
	if picture, err := jpeg.Decode(bytes.NewReader(body)); err != nil || picture.Bounds().Empty() {
		t.Errorf("%s: the tile is no JPEG: %v", u.name, err)
	}
}

// importedOnce counts the sidecars that were written: one a slide.
func (w *world) importedOnce(t *testing.T, sent []upload) {
	t.Helper()
	written := map[string]int{}
	for _, wire := range w.importWires {
		wire.mu.Lock()
		for id, n := range wire.sidecars {
			written[id] += n
		}
		wire.mu.Unlock()
	}
	if len(written) != len(sent) {
		t.Errorf("%d slides were imported, want %d", len(written), len(sent))
	}
	for _, u := range sent {
		if written[u.id] != 1 {
			t.Errorf("%s was imported %d times", u.name, written[u.id])
		}
	}
}

// nothingLeft looks for what nobody needs: messages, uploads that were imported,
// parts of uploads, objects of no slide, and other objects of a slide than it needs.
func (w *world) nothingLeft(t *testing.T, sent []upload) {
	t.Helper()
	for _, name := range []string{"imports", "dead"} {
		if bodies := w.server.Bodies(name); len(bodies) != 0 {
			t.Errorf("%d messages are left in the queue %s: %q", len(bodies), name, bodies[0])
		}
	}
	if keys := w.keys(t, "incoming"); len(keys) != 0 {
		t.Errorf("uploads are left: %q", keys)
	}
	for _, bucket := range []string{"incoming", "slides"} {
		out, err := w.gateway.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Uploads) != 0 {
			t.Errorf("%d uploads in parts are left in %s", len(out.Uploads), bucket)
		}
	}
	objects := map[string][]string{} // of each slide, without its own name
	for _, key := range w.keys(t, "slides") {
		id, rest, _ := strings.Cut(strings.TrimPrefix(key, "prod/"), "/")
		objects[id] = append(objects[id], rest)
	}
	for _, u := range sent {
		want := []string{
			"processed/annotations.json", "processed/associated/label.png", "processed/associated/macro.jpg", "processed/associated/thumb.jpg",
			"processed/histogram.json", "processed/import.json", "processed/metadata.json", "processed/slide.pims", u.name,
		}
		if !slices.Equal(objects[u.id], want) { // as S3 lists them, in order
			t.Errorf("%s has the objects %q, want %q", u.name, objects[u.id], want)
		}
		delete(objects, u.id)
	}
	if len(objects) != 0 {
		t.Errorf("objects of no slide: %q", slices.Collect(maps.Keys(objects)))
	}
}
