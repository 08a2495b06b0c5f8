package fastpath

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/nowait"
)

// sent is what one request is sent as, and what the answer says.
type sent struct{ text, answer string }

// randomRequest makes a request of one of the first kinds: the connection answers
// three of them, leaves one, and must not understand four; bodies read like requests.
func randomRequest(random *rand.Rand, number, kinds int) sent {
	path := "/" + strconv.Itoa(number)
	inside := get("/inside/" + strconv.Itoa(number))
	switch random.IntN(kinds) {
	case 3:
		path = "/cold" + path
		return sent{get(path), "GET " + path + " "}
	case 4:
		return sent{"POST " + path + " HTTP/1.1\r\nHost: here\r\nContent-Length: " + strconv.Itoa(len(inside)) + "\r\n\r\n" + inside, "POST " + path + " " + inside}
	case 5:
		return sent{"GET " + path + " HTTP/1.1\r\nHost: here\r\nContent-Length: " + strconv.Itoa(len(inside)) + "\r\n\r\n" + inside, "GET " + path + " " + inside}
	case 6:
		return sent{fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", path, len(inside), inside), "PUT " + path + " " + inside}
	case 7:
		return sent{"GET " + path + " HTTP/1.1\r\nHost: here\r\nX: " + strings.Repeat("long", 1200) + "\r\n\r\n", "GET " + path + " "}
	default:
		return sent{get(path, "Accept: image/jpeg"), "GET " + path + " "}
	}
}

// TestHowBytesComeMakesNoDifference sends the requests of a connection in random
// pieces, some of them before earlier ones are answered. Each must be answered
// once, in order.
func TestHowBytesComeMakesNoDifference(t *testing.T) {
	_, path, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if nowait.In(r.Context()) && strings.HasPrefix(r.URL.Path, "/cold/") {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
		answer := r.Method + " " + r.URL.Path + " " + string(body)
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = io.WriteString(w, answer)
	})
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		inPieces, kinds := seed%3 > 0, 8
		if seed%6 < 3 {
			kinds = 4
		}
		requests := make([]sent, 30)
		for i := range requests {
			requests[i] = randomRequest(random, i, kinds)
		}
		c := dial(t, address)
		answered := make(chan struct{}, len(requests))
		go func() {
			for _, request := range requests {
				text := request.text
				for inPieces && len(text) > 0 && random.IntN(2) == 0 {
					n := random.IntN(len(text)) + 1
					if _, err := io.WriteString(c, text[:n]); err != nil {
						return
					}
					text = text[n:]
					time.Sleep(time.Duration(random.IntN(300)) * time.Microsecond)
				}
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
				if !inPieces || random.IntN(3) > 0 {
					<-answered
				}
			}
		}()
		for i, request := range requests {
			r, err := http.ReadResponse(c.in, nil)
			if err != nil {
				t.Fatalf("seed %d, request %d: %v", seed, i, err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != request.answer {
				t.Fatalf("seed %d, request %d: answered %q, %v, want %q", seed, i, body, err, request.answer)
			}
			answered <- struct{}{}
		}
		c.Close()
	}
	if got := path.Answered(); got < 150 {
		t.Errorf("%d requests were answered on their connections, want some hundreds", got)
	}
}
