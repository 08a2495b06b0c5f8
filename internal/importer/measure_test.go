package importer_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

func TestEveryStageTellsItsTime(t *testing.T) {
	w := newWorld(t, nil)
	var stages []importer.State
	w.took = func(stage importer.State, _ time.Duration) { stages = append(stages, stage) }
	_, err := w.importer().Import(background, w.upload(testfiles.Own(t, "svs/rgb-240.svs")))
	must(t, err)
	want := []importer.State{importer.StateProbing, importer.StateChecking, importer.StateRegistering}
	if diff := cmp.Diff(want, stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	stages = nil
	_, err = w.importer().Import(background, w.uploadBytes("x.svs", []byte("not a slide")))
	if err == nil {
		t.Fatal("what is no slide was imported")
	}
	if diff := cmp.Diff([]importer.State{importer.StateProbing}, stages); diff != "" {
		t.Errorf("stages of a failed import (-want +got):\n%s", diff)
	}
}

func TestAWorkerTellsHowLongMessagesWaited(t *testing.T) {
	w := newWorld(t, nil)
	im, q := w.importer(), w.queue()
	_, err := im.Enqueue(background, q, w.upload(testfiles.Own(t, "svs/rgb-240.svs")))
	must(t, err)
	w.clock.Advance(40 * time.Second)
	messages, err := q.Receive(background, 1)
	must(t, err)
	var ages []time.Duration
	worker := &importer.Worker{Queue: q, Importer: im, Log: slog.New(slog.DiscardHandler), Waited: func(age time.Duration) { ages = append(ages, age) }}
	worker.Process(context.Background(), messages[0])
	if diff := cmp.Diff([]time.Duration{40 * time.Second}, ages); diff != "" {
		t.Errorf("ages (-want +got):\n%s", diff)
	}
}
