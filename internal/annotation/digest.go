package annotation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/paulmach/orb/encoding/wkt"
)

// Digest is a short text that is equal for equal lists of annotations only: the
// part of a picture's identity that they make up.
func Digest(annotations []Annotation) string {
	sum := sha256.New()
	for _, a := range annotations {
		fmt.Fprintf(sum, "%v %d ", a.Fill, a.StrokeWidth)
		if a.Stroke != nil {
			fmt.Fprintf(sum, "%v ", *a.Stroke)
		}
		sum.Write(wkt.Marshal(a.Geometry))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
