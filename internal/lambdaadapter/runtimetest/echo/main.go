// Command echo is a function for tests of the adapter and the emulator: it
// tells what it was asked, and misbehaves when asked to.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/pims-cloud/pims/internal/lambdaadapter"
)

func main() {
	if os.Getenv("ECHO_FAIL_INIT") != "" {
		fmt.Fprintln(os.Stderr, "echo: told to fail at start")
		os.Exit(3)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/bytes/{n}", sendBytes)
	mux.HandleFunc("/status/{code}", sendStatus)
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("told to panic") })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("only a part"))
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/", tell)
	mode := lambdaadapter.Mode(os.Getenv("LAMBDA_RESPONSE"))
	lambdaadapter.NewHTTP(mux, lambdaadapter.Config{Response: mode}, nil, nil).Start()
}

// Seen is what the function was asked.
type Seen struct {
	Method, URI, Path, EscapedPath, Query, Host, Remote string
	Header                                              http.Header
	Body                                                []byte
}

func tell(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Add("Vary", "Accept")
	w.Header().Add("Vary", "Origin")
	w.Header().Add("Set-Cookie", "a=1; Path=/")
	w.Header().Add("Set-Cookie", "b=2; Path=/")
	_ = json.NewEncoder(w).Encode(Seen{
		Method: r.Method, URI: r.RequestURI, Path: r.URL.Path, EscapedPath: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Host: r.Host, Remote: r.RemoteAddr, Header: r.Header, Body: body,
	})
}

// sendBytes sends n bytes that are not UTF-8, in pieces.
func sendBytes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n > 64<<20 {
		http.Error(w, "n", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	piece := make([]byte, 64<<10)
	for i := range piece {
		piece[i] = byte(i%255 + 1)
	}
	for n > 0 {
		k := min(n, len(piece))
		if _, err := w.Write(piece[:k]); err != nil {
			return
		}
		n -= k
	}
}

func sendStatus(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		http.Error(w, "code", http.StatusBadRequest)
		return
	}
	w.Header().Set("ETag", `"x"`)
	w.WriteHeader(code)
}
