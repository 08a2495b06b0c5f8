package timing

import (
	"context"
	"testing"
)

func TestWhatIsFollowedIsBounded(t *testing.T) {
	var steps Steps
	ctx := context.WithValue(t.Context(), Key{}, &steps)
	Start(ctx, Read).Stop() // nobody follows yet
	trace := steps.Follow()
	for range maxRan + 7 {
		Start(ctx, Decode).Stop()
	}
	ran, more := trace.Ran()
	if len(ran) != maxRan || more != 7 || ran[0].Step != Decode || ran[0].Start.IsZero() {
		t.Errorf("%d steps kept and %d not, the first %+v; want %d and 7", len(ran), more, ran[0], maxRan)
	}
}
