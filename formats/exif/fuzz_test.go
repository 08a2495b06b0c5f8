package exif_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/pims-cloud/pims/formats/exif"
)

func FuzzRead(f *testing.F) {
	f.Add(block())
	f.Add([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x69\x87\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := exif.Read(context.Background(), data)
		b.AcquiredAt()
		b.Descriptions()
		b.PixelSize()
		for _, m := range b.Metadata() {
			if _, err := json.Marshal(m.Value); err != nil || m.Key == "" {
				t.Errorf("%q = %v cannot be written as JSON: %v", m.Key, m.Value, err)
			}
		}
	})
}
