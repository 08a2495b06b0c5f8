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

// figure is what one server did in one round.
type figure struct {
	perSecond float64
	cpuMicros float64 // processor time an answer, the client's share included
}

// load asks a server for random paths over n connections, each with one request
// under way. The client parses no more of an answer than it must: its cost is
// part of every figure.
func load(ctx context.Context, s *server, clients int, each time.Duration) (figure, error) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	counts, failures := make([]int, clients), make([]error, clients)
	var group sync.WaitGroup
	start, cpu := time.Now(), processorTime()
	for i := range clients {
		group.Go(func() { counts[i], failures[i] = client(ctx, s, uint64(i)) })
	}
	group.Wait()
	seconds, spent := time.Since(start).Seconds(), processorTime()-cpu
	total := 0
	for i := range counts {
		total += counts[i]
		if failures[i] != nil {
			return figure{}, fmt.Errorf("%s: %w", s.name, failures[i])
		}
	}
	return figure{float64(total) / seconds, float64(spent.Microseconds()) / float64(max(total, 1))}, nil
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
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: bench\r\n"+s.header+"\r\n"); err != nil {
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
	notModified := bytes.HasPrefix(status, []byte("HTTP/1.1 304 "))
	if !notModified && !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
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
	if notModified {
		return nil
	}
	if length < 0 {
		return fmt.Errorf("%s: an answer without Content-Length", path)
	}
	_, err = in.Discard(length)
	return err
}

// throughput prints tiles per second and processor time a tile of every server
// at 1 and 8 clients, and how much of the first server's work a processor does.
func throughput(ctx context.Context, s *setup, rounds int, each time.Duration) error {
	fmt.Printf("%-14s %8s %12s %14s %14s\n", "server", "clients", "tiles/s", "CPU µs a tile", "× static/CPU")
	for _, clients := range []int{1, 8} {
		perSecond, micros, ratios := make([][]float64, len(s.servers)), make([][]float64, len(s.servers)), make([][]float64, len(s.servers))
		for range rounds {
			round := make([]figure, len(s.servers))
			for i, server := range s.servers {
				f, err := load(ctx, server, clients, each)
				if err != nil {
					return err
				}
				round[i] = f
			}
			for i, f := range round {
				perSecond[i] = append(perSecond[i], f.perSecond)
				micros[i] = append(micros[i], f.cpuMicros)
				ratios[i] = append(ratios[i], round[0].cpuMicros/f.cpuMicros)
			}
		}
		for i, server := range s.servers {
			fmt.Printf("%-14s %8d %12.0f %14.1f %14.2f\n", server.name, clients, median(perSecond[i]), median(micros[i]), median(ratios[i]))
		}
	}
	fmt.Println()
	return nil
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}
