package importer_test

import (
	"testing"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestHeaderCacheSparesAnImportRequests counts what an import asks of the store
// that the upload lies in, without the cache for structure and with it.
func TestHeaderCacheSparesAnImportRequests(t *testing.T) {
	counts := map[int64][2]int64{}
	for _, cacheBytes := range []int64{0, 8 << 20} {
		below := recording.Wrap(memory.New())
		opened := 0
		w := newWorld(t, func(*testing.T) objectstore.Driver {
			if opened++; opened < 2 { // the slides come first
				return memory.New()
			}
			if cacheBytes == 0 {
				return objectstore.Coalesce(below, 0)
			}
			return objectstore.Blocks(objectstore.Coalesce(below, 0), cacheBytes)
		})
		job := w.upload(testfiles.Shared(t, "svs/CMU-1-Small-Region.svs"))
		job.InPlace = true
		_, err := w.importer().Import(background, job)
		must(t, err)
		var bytes int64
		for _, r := range below.Reads() {
			bytes += r.Length
		}
		counts[cacheBytes] = [2]int64{int64(len(below.Reads())), bytes}
	}
	t.Logf("requests and bytes: without %v, with %v", counts[0], counts[8<<20])
	if counts[8<<20][0] >= counts[0][0] {
		t.Errorf("%d requests with the cache, %d without", counts[8<<20][0], counts[0][0])
	}
}
