package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// store writes an object of a slide's folder.
func (s *service) store(key, text string) {
	s.t.Helper()
	slides := objectstore.New(s.slides)
	if _, err := slides.Put(s.t.Context(), key, strings.NewReader(text), int64(len(text)), objectstore.PutOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// withHistogram is a slide of three 8-bit channels whose stored histogram holds
// 2 at value 4 and 6 at value 9 of the first, 8 at 200 of the second and 8 at
// 255 of the third channel.
func (s *service) withHistogram() (path string) {
	s.t.Helper()
	path = s.addParts("a.dat")
	id := slide.ID(strings.Split(path, "/")[0])
	s.store(id.HistogramKey(), `{"type":"COMPLETE","bits":8,"planes":[{"c":0,"z":0,"t":0,"samples":[
		{"first":4,"counts":[2,0,0,0,0,6]},{"first":200,"counts":[8]},{"first":255,"counts":[8]}]}]}`)
	return path
}

func TestHistogramsAreBinnedByHand(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.withHistogram() + "/histogram/"
	for url, want := range map[string]string{
		"per-image/bounds": `{"type":"COMPLETE","minimum":4,"maximum":255}`,
		// 24 pixels; four bins of 64 values: 2+6, none, none, 8+8.
		"per-image?n_bins=4": `{"type":"COMPLETE","minimum":4,"maximum":255,"first_bin":0,"last_bin":3,"n_bins":4,"histogram":[8,0,0,16]}`,
		// Bins of 4 values: 4 is in bin 1, 9 in bin 2.
		"per-channels?n_bins=64&channels=0": `{"items":[{"type":"COMPLETE","minimum":4,"maximum":9,"first_bin":1,"last_bin":2,"n_bins":64,"histogram":[2,6],` +
			`"channel":0,"concrete_channel":0,"sample":0,"color":null}],"size":1}`,
		"per-channels?n_bins=2&channels=1&full_range=true": `{"items":[{"type":"COMPLETE","minimum":200,"maximum":200,"first_bin":1,"last_bin":1,"n_bins":2,"histogram":[0,8],` +
			`"channel":1,"concrete_channel":0,"sample":1,"color":null}],"size":1}`,
		"per-plane/z/0/t/0/bounds?channels=2": `{"items":[{"type":"COMPLETE","minimum":255,"maximum":255,"channel":2,"concrete_channel":0,"sample":2,"color":null,"z_slice":0,"timepoint":0}],"size":1}`,
		"per-plane/z/0/t/0?channels=2&n_bins=1": `{"items":[{"type":"COMPLETE","minimum":255,"maximum":255,"first_bin":0,"last_bin":0,"n_bins":1,"histogram":[8],` +
			`"channel":2,"concrete_channel":0,"sample":2,"color":null,"z_slice":0,"timepoint":0}],"size":1}`,
	} {
		if got := s.get(path+url).want(t, http.StatusOK); string(got.body) != want {
			t.Errorf("%s:\n got %s\nwant %s", url, got.body, want)
		}
	}
	// More bins than values are as many as values.
	var capped struct {
		NBins int `json:"n_bins"`
	}
	if err := json.Unmarshal(s.get(path+"per-image?n_bins=65536").want(t, 200).body, &capped); err != nil || capped.NBins != 256 {
		t.Errorf("65536 bins of 8 bits are %d (%v), want 256", capped.NBins, err)
	}
}

func TestHistogramRequestsThatCanNotBeAnswered(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.withHistogram() + "/histogram"
	for url, want := range map[string]struct {
		status int
		text   string
	}{
		"/per-image?n_bins=3":                {400, `"details":"3 is not a power of 2."`},
		"/per-image?n_bins=0":                {400, `"details":"0 is not a power of 2."`},
		"/per-image?n_bins=-4":               {400, `"details":"-4 is not a power of 2."`},
		"/per-image?n_bins=a":                {422, `"loc":["query","n_bins"]`},
		"/per-image?full_range=perhaps":      {422, `"loc":["query","full_range"]`},
		"/per-channels?channels=0:2":         {422, `"loc":["query","channels",0]`},
		"/per-channels?channels=7":           {400, `No valid indexes for channels`},
		"/per-plane/z/9/t/0":                 {400, `No valid indexes for z_slices`},
		"/per-plane/z/0/t/9/bounds":          {400, `No valid indexes for timepoints`},
		"/per-plane/z/-1/t/0":                {422, `"loc":["path","z_slices"]`},
		"/per-plane/z/0/t/x":                 {422, `"loc":["path","timepoints"]`},
		"/per-plane/z/0/t/0/bounds?n_bins=3": {200, `"size":3`}, // bounds have no bins
	} {
		if got := s.get(path+url).want(t, want.status); !strings.Contains(string(got.body), want.text) {
			t.Errorf("%s: %s, want %s in it", url, got.body, want.text)
		}
	}
	s.get("/image/none/x/histogram/per-image?n_bins=a").want(t, http.StatusNotFound)
}

// PIMS gives 2^bits, one more than there is (pims-api §9.3 no. 16).
func TestWithoutAHistogramBoundsAreThoseOfTheType(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.addParts("a.dat") + "/histogram"
	if got := s.get(path+"/per-image/bounds").want(t, 200); string(got.body) != `{"type":"FAST","minimum":0,"maximum":255}` {
		t.Errorf("bounds: %s", got.body)
	}
	if got := s.get(path+"/per-image").want(t, 400); !strings.Contains(string(got.body), "No histogram found for") {
		t.Errorf("bins: %s", got.body)
	}
}

func TestSixteenBitHistogramsKeepTheirPrecision(t *testing.T) {
	s := newService(t, "")
	path := s.addParts("a.dat")
	id := slide.ID(strings.Split(path, "/")[0])
	s.store(id.HistogramKey(), `{"type":"FAST","bits":16,"planes":[{"c":0,"z":0,"t":0,"samples":[{"first":1000,"counts":[3,0,5]}]}]}`)
	got := s.get("/image/"+path+"/histogram/per-image?n_bins=65536").want(t, 200)
	// PIMS counts 16-bit samples through 8 bits: only multiples of 257 occur.
	if want := `{"type":"FAST","minimum":1000,"maximum":1002,"first_bin":1000,"last_bin":1002,"n_bins":65536,"histogram":[3,0,5]}`; string(got.body) != want {
		t.Errorf("got %s\nwant %s", got.body, want)
	}
}

func TestHistogramsAreMadeAnew(t *testing.T) {
	s := newService(t, "")
	slidePath := s.own("svs/rgb-240.svs")
	path := "/image/" + slidePath + "/histogram"
	before := s.get(path+"/per-image").want(t, 200)
	if got := s.send("POST", path, "").want(t, http.StatusCreated); string(got.body) != "null" {
		t.Errorf("the body is %s, want null", got.body)
	}
	if after := s.get(path+"/per-image").want(t, 200); string(after.body) != string(before.body) {
		t.Errorf("counted again, the histogram differs:\n%.200s\n%.200s", before.body, after.body)
	}
	s.send("POST", path+"?type=COMPLETE", "").want(t, http.StatusCreated)
	var exact struct {
		Type      string
		Histogram []int64
	}
	if err := json.Unmarshal(s.get(path+"/per-image").want(t, 200).body, &exact); err != nil {
		t.Fatal(err)
	}
	size := regexp.MustCompile(`"width":(\d+),"height":(\d+)`).FindSubmatch(s.get("/image/"+slidePath+"/info/image").want(t, 200).body)
	var width, height, sum int64
	for i, to := range []*int64{&width, &height} {
		if err := json.Unmarshal(size[i+1], to); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range exact.Histogram {
		sum += n
	}
	if exact.Type != "COMPLETE" || sum != 3*width*height {
		t.Errorf("every pixel counted: type %s with %d samples, want COMPLETE with %d", exact.Type, sum, 3*width*height)
	}
	// PIMS answers 500; there is nothing to do.
	s.send("POST", path+"?overwrite=false", "").want(t, http.StatusOK)
	s.send("POST", path+"?sync=false", "").want(t, http.StatusAccepted)
	if waiting, _, err := s.queue.Depth(t.Context()); err != nil || waiting != 1 {
		t.Errorf("%d jobs wait (%v), want 1", waiting, err)
	}
	s.send("POST", path+"?sync=perhaps", "").want(t, 422)
	s.send("POST", path+"?type=SOME", "").want(t, 422)
	s.send("POST", "/image/none/x/histogram", "").want(t, 404)
}

func TestFiltersAreListedWithTheirAliases(t *testing.T) {
	s := newService(t, "")
	var list struct {
		Items []struct {
			ID      string
			Aliases []string
		}
		Size int
	}
	if err := json.Unmarshal(s.get("/filters").want(t, 200).body, &list); err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, item := range list.Items {
		ids[item.ID]++
		if item.Aliases == nil {
			t.Errorf("%s has no list of aliases", item.ID)
		}
	}
	if list.Size != 30 || len(list.Items) != 30 || len(ids) != 20 || ids["OTSU"] != 1 || ids["ISODATA"] != 2 {
		t.Errorf("%d items of %d filters, OTSU %d times, ISODATA %d times", list.Size, len(ids), ids["OTSU"], ids["ISODATA"])
	}
	want := `{"id":"ISODATA","aliases":["BINARY"],"name":"Iso Data Threshold","type":"GLOBAL","description":"Isodata global filtering"}`
	for _, id := range []string{"binary", "ISODATA", "IsoData"} {
		if got := s.get("/filters/"+id).want(t, 200); string(got.body) != want {
			t.Errorf("/filters/%s: %s, want %s", id, got.body, want)
		}
	}
	s.get("/filters/NOFILTER").want(t, 404)
}
