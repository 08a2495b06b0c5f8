package local

import (
	"context"
	"errors"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// DeadLetters implements queue.DeadLetters.
func (q *Queue) DeadLetters(_ context.Context, max int) ([]queue.DeadLetter, error) {
	letters := q.Dead()
	return letters[:min(len(letters), max)], nil
}

// Redrive implements queue.DeadLetters. Each letter is durable by itself.
func (q *Queue) Redrive(ctx context.Context, ids ...string) (int, error) {
	chosen := ids
	if len(ids) == 0 {
		for _, d := range q.Dead() {
			chosen = append(chosen, d.ID)
		}
	}
	done := 0
	var missing []error
	for _, id := range chosen {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		err := q.Revive(id)
		switch {
		case err == nil:
			done++
		case fault.KindOf(err) != fault.NotFound:
			return done, err
		case len(ids) > 0: // else somebody else was faster
			missing = append(missing, err)
		}
	}
	return done, errors.Join(missing...)
}
