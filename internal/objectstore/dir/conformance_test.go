package dir_test

import (
	"testing"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/objectstore/storetest"
)

func open(t *testing.T) objectstore.Driver {
	d, err := dir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConformance(t *testing.T) {
	storetest.Run(t, open)
}
