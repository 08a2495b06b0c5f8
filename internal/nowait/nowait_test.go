package nowait

import (
	"context"
	"testing"
)

func TestTheMarkIsSeenBelow(t *testing.T) {
	type other struct{}
	plain := context.WithValue(t.Context(), other{}, "kept")
	below, cancel := context.WithCancel(context.WithValue(Context(plain), key2{}, 1))
	defer cancel()
	if In(plain) || !In(below) || below.Value(other{}) != "kept" {
		t.Errorf("marked above: %t, below: %t, value %v", In(plain), In(below), below.Value(other{}))
	}
}

type key2 struct{}
