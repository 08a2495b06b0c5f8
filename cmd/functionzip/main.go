// Command functionzip packs a program as a Lambda function of the runtimes
// provided.*: a zip file with one executable named bootstrap. The same program
// gives the same bytes on every machine, so that a deployment sees by their hash
// whether anything changed.
//
//	functionzip dist/functions/tiles-arm64/bootstrap dist/functions/tiles-arm64.zip
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: functionzip PROGRAM ZIP")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "functionzip:", err)
		os.Exit(1)
	}
}

// run writes the zip file and tells its size and hash.
func run(program, to string, say io.Writer) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	packed, err := pack(content)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, packed, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(say, "%s  %.1f MB, unpacked %.1f MB, sha256 %x\n", to,
		float64(len(packed))/1e6, float64(len(content))/1e6, sha256.Sum256(packed))
	return err
}

// pack makes the zip file: the time is the earliest that one can hold, and the
// rights are those that Lambda needs whatever the umask was.
func pack(content []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	file, err := z.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(content); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}
