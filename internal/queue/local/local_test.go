package local_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
)

// childFolder makes the test binary the process that is going to be killed.
const childFolder = "PIMS_TEST_QUEUE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Harness {
		clock := queuetest.NewClock()
		q := open(t, t.TempDir(), local.Config{Clock: clock, Visibility: time.Minute})
		return queuetest.Harness{
			Queue: q, Clock: clock, Visibility: time.Minute,
			Dead: func(*testing.T) (out [][]byte) {
				for _, d := range q.Dead() {
					out = append(out, d.Body)
				}
				return out
			},
		}
	})
}

func open(t *testing.T, dir string, c local.Config) *local.Queue {
	t.Helper()
	q, err := local.Open(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return q
}

func ctx(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// drain receives what is visible now, by body.
func drain(t *testing.T, q *local.Queue) map[string]queue.Message {
	t.Helper()
	out := map[string]queue.Message{}
	for {
		waiting, _, err := q.Depth(ctx(t))
		must(t, err)
		if waiting == 0 {
			return out
		}
		ms, err := q.Receive(ctx(t), 100)
		must(t, err)
		for _, m := range ms {
			out[string(m.Body)] = m
		}
	}
}

// child sends, receives and acknowledges some, says so, and waits to be killed.
func child(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
	}
	q, err := local.Open(dir, local.Config{})
	fail(err)
	background := context.Background()
	for i := range 10 {
		fail(q.Send(background, []byte("m"+strconv.Itoa(i))))
	}
	ms, err := q.Receive(background, 6)
	fail(err)
	for _, m := range ms[:3] {
		fail(q.Ack(background, m))
	}
	fail(q.Bury(background, ms[3], "no use"))
	fmt.Println("ready")
	select {}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	startAndKill(t, dir, func() {
		_, err := local.Open(dir, local.Config{})
		if fault.CodeOf(err) != "queue-locked" || !strings.Contains(fault.Sentence(err), "process ") {
			t.Errorf("a second process opened the queue: %v", err)
		}
	})
	q := open(t, dir, local.Config{})
	got := drain(t, q)
	for i := range 10 {
		body := "m" + strconv.Itoa(i)
		m, there := got[body]
		want := i >= 4 // 0 to 2 were acknowledged, 3 was buried
		if there != want {
			t.Errorf("after the kill %s is there: %v, want %v", body, there, want)
		}
		attempt := 1
		if i == 4 || i == 5 { // were in the hands of the killed process
			attempt = 2
		}
		if there && m.Attempt != attempt {
			t.Errorf("%s: attempt %d, want %d", body, m.Attempt, attempt)
		}
	}
	if dead := q.Dead(); len(dead) != 1 || string(dead[0].Body) != "m3" || dead[0].Reason != "no use" || dead[0].Attempts != 1 {
		t.Errorf("dead letters after the kill: %+v", dead)
	}
}

// startAndKill runs the child until it is ready, and kills it with SIGKILL.
func startAndKill(t *testing.T, dir string, whileAlive func()) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) == "ready" {
		whileAlive()
	} else {
		t.Errorf("the child said %q", line)
	}
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
}

func TestOneQueuePerFolder(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, local.Config{})
	_, err := local.Open(dir, local.Config{})
	if fault.KindOf(err) != fault.Busy || !strings.Contains(fault.Sentence(err), strconv.Itoa(os.Getpid())) {
		t.Errorf("second Open: %v, want kind busy and the pid", err)
	}
	must(t, q.Close())
	open(t, dir, local.Config{})
}

func journalPath(dir string) string { return filepath.Join(dir, "journal.log") }

func TestTornTailIsCutOff(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, local.Config{})
	must(t, q.Send(ctx(t), []byte("whole")))
	must(t, q.Close())
	whole, err := os.ReadFile(journalPath(dir))
	must(t, err)
	for cut := 1; cut < len(whole); cut += 7 {
		must(t, os.WriteFile(journalPath(dir), append(bytes.Clone(whole), whole[:cut]...), 0o600))
		q, err := local.Open(dir, local.Config{})
		must(t, err)
		must(t, q.Send(ctx(t), []byte("after")))
		must(t, q.Close())
		q, err = local.Open(dir, local.Config{})
		must(t, err)
		got := drain(t, q)
		must(t, q.Close())
		if len(got) != 2 {
			t.Fatalf("tail of %d bytes: %d messages, want the whole one and the one sent after", cut, len(got))
		}
	}
}

func TestDamageInsideLosesOnlyWhatItHit(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, local.Config{})
	for _, b := range []string{"a", "b", "c"} {
		must(t, q.Send(ctx(t), []byte(b)))
	}
	must(t, q.Close())
	whole, err := os.ReadFile(journalPath(dir))
	must(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines[1][20] ^= 1
	must(t, os.WriteFile(journalPath(dir), bytes.Join(lines, nil), 0o600))
	got := drain(t, open(t, dir, local.Config{}))
	if _, a := got["a"]; !a || len(got) != 2 {
		t.Errorf("got %v, want a and c", got)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "journal.damaged-*")); len(aside) != 1 {
		t.Errorf("copies of the damaged journal: %v, want one", aside)
	}
}

func TestCompactionKeepsTheStateAndBoundsTheFile(t *testing.T) {
	dir := t.TempDir()
	config := local.Config{CompactBytes: 8 << 10, Clock: queuetest.NewClock()}
	q := open(t, dir, config)
	must(t, q.Send(ctx(t), []byte("stays")))
	m, err := q.Receive(ctx(t), 1)
	must(t, err)
	must(t, q.Send(ctx(t), []byte("dead")))
	d, err := q.Receive(ctx(t), 1)
	must(t, err)
	must(t, q.Bury(ctx(t), d[0], "why not"))
	for range 300 {
		must(t, q.Send(ctx(t), bytes.Repeat([]byte("x"), 100)))
		ms, err := q.Receive(ctx(t), 1)
		must(t, err)
		must(t, q.Ack(ctx(t), ms[0]))
	}
	info, err := os.Stat(journalPath(dir))
	must(t, err)
	if info.Size() > 12<<10 {
		t.Errorf("the journal has %d bytes after 300 finished messages, want it compacted", info.Size())
	}
	must(t, q.Close())
	q = open(t, dir, config)
	got := drain(t, q)
	if again, ok := got["stays"]; !ok || len(got) != 1 || again.ID != m[0].ID || again.Attempt != 2 {
		t.Errorf("after compaction %v, want the one message with attempt 2", got)
	}
	if dead := q.Dead(); len(dead) != 1 || dead[0].Reason != "why not" {
		t.Errorf("dead letters after compaction: %+v", dead)
	}
}

func TestTooManyAttemptsMakeADeadLetterThatCanBeRevived(t *testing.T) {
	clock := queuetest.NewClock()
	q := open(t, t.TempDir(), local.Config{Clock: clock, MaxAttempts: 3, Visibility: time.Minute})
	must(t, q.Send(ctx(t), []byte("poison")))
	for range 3 {
		_, err := q.Receive(ctx(t), 1)
		must(t, err)
		clock.Advance(time.Minute)
	}
	must(t, q.Send(ctx(t), []byte("next")))
	ms, err := q.Receive(ctx(t), 5)
	must(t, err)
	if len(ms) != 1 || string(ms[0].Body) != "next" {
		t.Fatalf("got %v, want the message behind the poisonous one", ms)
	}
	dead := q.Dead()
	if len(dead) != 1 || dead[0].Attempts != 3 || dead[0].Reason == "" {
		t.Fatalf("dead letters: %+v", dead)
	}
	must(t, q.Revive(dead[0].ID))
	ms, err = q.Receive(ctx(t), 1)
	must(t, err)
	if string(ms[0].Body) != "poison" || ms[0].Attempt != 1 {
		t.Errorf("revived: %+v, want attempt 1", ms[0])
	}
	if err := q.Revive("nobody"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("reviving what is not there: %v", err)
	}
}

func TestLateAckDoesNotTakeAnothersMessage(t *testing.T) {
	clock := queuetest.NewClock()
	q := open(t, t.TempDir(), local.Config{Clock: clock, Visibility: time.Minute})
	must(t, q.Send(ctx(t), []byte("a")))
	first, err := q.Receive(ctx(t), 1)
	must(t, err)
	clock.Advance(time.Minute)
	second, err := q.Receive(ctx(t), 1)
	must(t, err)
	must(t, q.Ack(ctx(t), first[0]))
	if err := q.Extend(ctx(t), first[0], time.Hour); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Extend by the first receiver: %v, want not-found", err)
	}
	must(t, q.Extend(ctx(t), second[0], time.Minute))
}

func TestTooLargeBodyIsRefused(t *testing.T) {
	q := open(t, t.TempDir(), local.Config{})
	if err := q.Send(ctx(t), make([]byte, local.MaxBodyBytes+1)); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("Send: %v, want too-large", err)
	}
	must(t, q.Send(ctx(t), make([]byte, local.MaxBodyBytes)))
}

func TestCloseEndsWaitingReceivers(t *testing.T) {
	q := open(t, t.TempDir(), local.Config{})
	ended := make(chan error, 1)
	go func() {
		_, err := q.Receive(context.Background(), 1)
		ended <- err
	}()
	must(t, q.Close())
	if err := <-ended; fault.CodeOf(err) != "queue-closed" || errors.Is(err, context.Canceled) {
		t.Errorf("Receive ended with %v", err)
	}
}
