package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load asks a server for random paths over n connections, each with one request
// under way, and gives the answers per second. The client parses no more of an
// answer than it must: its cost is part of every figure.
func load(ctx context.Context, s *server, clients int, each time.Duration) (perSecond float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	counts, failures := make([]int, clients), make([]error, clients)
	var group sync.WaitGroup
	start := time.Now()
	for i := range clients {
		group.Go(func() { counts[i], failures[i] = client(ctx, s, uint64(i)) })
	}
	group.Wait()
	seconds := time.Since(start).Seconds()
	total := 0
	for i := range counts {
		total += counts[i]
		if failures[i] != nil {
			return 0, fmt.Errorf("%s: %w", s.name, failures[i])
		}
	}
	return float64(total) / seconds, nil
}

func client(ctx context.Context, s *server, seed uint64) (answered int, err error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	in := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		path := s.paths[random.IntN(len(s.paths))]
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return answered, err
		}
		if err := readAnswer(in, path); err != nil {
			return answered, err
		}
		answered++
	}
	return answered, nil
}

var contentLength = []byte("Content-Length: ")

func readAnswer(in *bufio.Reader, path string) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("%s: %s", path, bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("%s: an answer without Content-Length", path)
	}
	_, err = in.Discard(length)
	return err
}

// throughput prints tiles per second of every server at 1 and 8 clients.
func throughput(ctx context.Context, s *setup, rounds int, each time.Duration) error {
	fmt.Printf("%-14s %8s %12s %16s\n", "server", "clients", "tiles/s", "ratio to static")
	for _, clients := range []int{1, 8} {
		figures := make([][]float64, len(s.servers))
		ratios := make([][]float64, len(s.servers))
		for range rounds {
			round := make([]float64, len(s.servers))
			for i, server := range s.servers {
				perSecond, err := load(ctx, server, clients, each)
				if err != nil {
					return err
				}
				round[i] = perSecond
			}
			for i, perSecond := range round {
				figures[i] = append(figures[i], perSecond)
				ratios[i] = append(ratios[i], perSecond/round[0])
			}
		}
		for i, server := range s.servers {
			fmt.Printf("%-14s %8d %12.0f %16.2f\n", server.name, clients, median(figures[i]), median(ratios[i]))
		}
	}
	fmt.Println()
	return nil
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}
