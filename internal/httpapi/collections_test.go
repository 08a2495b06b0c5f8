package httpapi_test

import (
	"archive/zip"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/testfiles"
)

// collect imports an archive of slides and one file that is none.
func (s *service) collect(names ...string) (path string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "two slides.v1.zip")
	out, err := os.Create(file)
	if err != nil {
		s.t.Fatal(err)
	}
	archive := zip.NewWriter(out)
	add := func(name string, body []byte) {
		member, err := archive.Create(name)
		if err == nil {
			_, err = member.Write(body)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range names {
		body, err := os.ReadFile(testfiles.Own(s.t, name))
		if err != nil {
			s.t.Fatal(err)
		}
		add("folder/"+filepath.Base(name), body)
	}
	add("notes.txt", []byte("no slide"))
	if err := archive.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.add(file)
}

// A collection has the uploads of its slides as children (pims-api §3.1), and
// is no image (§2.1).
func TestACollectionHasItsSlidesAsChildren(t *testing.T) {
	s := newService(t, "")
	path := s.collect("svs/rgb-240.svs", "pyrometiff/subifd-rgb-z2.ome.tif")
	type file struct {
		FileType  string `json:"file_type"`
		Filepath  string
		Stem      string
		Extension string
		Size      int64
		Role      string
		Children  []file
	}
	id, _, _ := strings.Cut(path, "/")
	for _, asked := range []string{path, id} {
		var got file
		if err := json.Unmarshal(s.get("/file/"+strings.ReplaceAll(asked, " ", "%20")+"/info").want(t, http.StatusOK).body, &got); err != nil {
			t.Fatal(err)
		}
		if got.FileType != "COLLECTION" || got.Role != "UPLOAD" || got.Filepath != path || got.Stem != "two slides" || got.Extension != ".v1.zip" || got.Size == 0 {
			t.Errorf("the collection is %+v", got)
		}
		var children []string
		for _, child := range got.Children {
			children = append(children, child.Stem+child.Extension)
			if child.FileType != "SINGLE" || child.Role != "UPLOAD" || child.Children != nil {
				t.Errorf("a child is %+v", child)
			}
			s.get("/image/"+child.Filepath+"/thumb.png?length=8").want(t, http.StatusOK)
		}
		if strings.Join(children, " ") != "rgb-240.svs subifd-rgb-z2.ome.tif" {
			t.Errorf("the children are %v", children)
		}
	}
	s.get("/file/"+id+"/other.zip/info").want(t, http.StatusNotFound)
	s.get("/image/"+path+"/info").want(t, http.StatusNotFound)
	slide := s.own("svs/rgb-240.svs")
	if body := s.get("/file/"+slide+"/info").want(t, http.StatusOK).body; strings.Contains(string(body), "children") {
		t.Errorf("a slide has children: %s", body)
	}
}
