// Package archive walks the files of ZIP and (compressed) TAR archives, and the
// one file of a GZ, BZ2 or XZ stream.
//
// Archives are hostile: names are kept inside the archive, links and devices are
// refused, and what is unpacked is bounded in total, by its ratio to the
// archive's size, and in number. Nothing is trusted that the archive says of
// itself: bytes are counted as they come.
package archive

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz"

	"github.com/pims-cloud/pims/fault"
)

// Kind is a kind of archive, in PIMS' words (pims-api §6.6) where it has one.
type Kind string

// The kinds.
const (
	None  Kind = ""
	ZIP   Kind = "ZIP"
	TAR   Kind = "TAR"
	GZTAR Kind = "GZTAR"
	BZTAR Kind = "BZTAR"
	XZTAR Kind = "XZTAR"
	GZ    Kind = "GZ"  // one file
	BZ2   Kind = "BZ2" // one file
	XZ    Kind = "XZ"  // one file
)

// Limits bound what one archive may unpack to.
type Limits struct {
	Bytes int64 // of all members together
	Ratio int64 // of these to the size of the archive, beyond Free
	Free  int64 // bytes that may be unpacked whatever the ratio: small things compress well
	Files int   // members
}

// DefaultLimits let every real collection of slides pass. Pixels compress by
// ten at most, empty ones by two hundred.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 40, Ratio: 200, Free: 256 << 20, Files: 10_000}
}

// File is the archive's bytes.
type File struct {
	Name string // as the user knows it, for the name of a single file
	Size int64
	// ReadAt reads anywhere, for ZIP.
	io.ReaderAt
	// Open streams from the start, for all others.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// tarMark stands at this byte of a TAR header block.
const (
	tarMark   = "ustar"
	tarMarkAt = 257
)

// Detect tells the kind by signature; head is the first bytes of the file, at
// least 512 where it has so many. A compressed stream is looked into.
func Detect(ctx context.Context, f File, head []byte) (Kind, error) {
	has := func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) }
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"), has("PK\x07\x08"):
		return ZIP, nil
	case isTar(head):
		return TAR, nil
	case has("\x1f\x8b\x08"):
		return f.inside(ctx, GZ, GZTAR)
	case has("BZh"):
		return f.inside(ctx, BZ2, BZTAR)
	case has("\xfd7zXZ\x00"):
		return f.inside(ctx, XZ, XZTAR)
	}
	return None, nil
}

func isTar(head []byte) bool {
	return len(head) >= tarMarkAt+len(tarMark) && string(head[tarMarkAt:tarMarkAt+len(tarMark)]) == tarMark
}

// inside tells a compressed TAR from a compressed file. What cannot be
// decompressed is neither.
func (f File) inside(ctx context.Context, single, tarred Kind) (Kind, error) {
	raw, err := f.Open(ctx)
	if err != nil {
		return None, err
	}
	defer raw.Close()
	r, err := decompress(single, raw)
	if err != nil {
		return None, readFault(err)
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	switch {
	case isTar(head[:n]):
		return tarred, nil
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return None, readFault(err)
	}
	return single, nil
}

// readFault keeps errors of the store and makes those of decompressors nothing:
// the file is then no archive.
func readFault(err error) error {
	if kind := fault.KindOf(err); kind != fault.Internal && kind != fault.Corrupt {
		return err
	}
	return nil
}

func decompress(k Kind, r io.Reader) (io.Reader, error) {
	switch k {
	case GZ, GZTAR:
		return gzip.NewReader(bufio.NewReader(r))
	case BZ2, BZTAR:
		return bzip2.NewReader(bufio.NewReader(r)), nil
	case XZ, XZTAR:
		// The dictionary is allocated as the stream asks for it: 64 MiB is what
		// xz -9 uses.
		return xz.ReaderConfig{DictCap: 64 << 20}.NewReader(bufio.NewReader(r))
	default:
		return r, nil
	}
}

// Member is one file of an archive.
type Member struct {
	Name string // as the archive has it
	// Refused is why the member is not unpacked; Body is nil then.
	Refused error
	// Body is valid until Walk's function returns. Its errors are of kind
	// Corrupt for a damaged member, TooLarge beyond the limits, or the store's.
	Body io.Reader
}

// Base is the last element of the member's name.
func (m Member) Base() string { return path.Base(strings.ReplaceAll(m.Name, `\`, "/")) }

// Walk calls do for every file in the order of the archive, also for those that
// are refused. Folders, and what macOS adds, are passed over. An error of do
// ends the walk. Kind TooLarge when the limits are passed, Corrupt when the
// archive itself cannot be read any further.
func Walk(ctx context.Context, f File, k Kind, limits Limits, do func(Member) error) error {
	b := &bound{ctx: ctx, limits: limits, most: limits.Bytes}
	if f.Size < limits.Bytes/max(limits.Ratio, 1) {
		b.most = min(limits.Bytes, limits.Free+f.Size*limits.Ratio)
	}
	if k == ZIP {
		return walkZip(f, b, do)
	}
	raw, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer raw.Close()
	r, err := decompress(k, raw)
	if err != nil {
		return damaged(err)
	}
	switch k {
	case GZ, BZ2, XZ:
		return do(Member{Name: singleName(f.Name), Body: b.body(r)})
	default:
		return walkTar(b.body(r), b, do)
	}
}

// singleName is the name without the extension of the compression.
func singleName(name string) string {
	for _, ext := range []string{".gz", ".bz2", ".xz"} {
		if stem := name[:max(0, len(name)-len(ext))]; stem != "" && strings.EqualFold(name[len(stem):], ext) {
			return stem
		}
	}
	return name
}

func walkZip(f File, b *bound, do func(Member) error) error {
	z, err := zip.NewReader(f, f.Size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return damaged(err)
	}
	for _, entry := range z.File {
		if skipped(entry.Name) || entry.FileInfo().IsDir() {
			continue
		}
		if err := b.count(); err != nil {
			return err
		}
		m := Member{Name: entry.Name, Refused: refused(entry.Name, entry.Mode())}
		if m.Refused == nil && entry.Flags&1 != 0 {
			m.Refused = fault.New(fault.Unsupported, "archive-encrypted", "the file is encrypted")
		}
		if m.Refused != nil {
			if err := do(m); err != nil {
				return err
			}
			continue
		}
		if err := openZip(entry, b, m, do); err != nil {
			return err
		}
	}
	return nil
}

func openZip(entry *zip.File, b *bound, m Member, do func(Member) error) error {
	r, err := entry.Open()
	if err != nil {
		m.Refused = damaged(err)
		return do(m)
	}
	defer r.Close()
	m.Body = b.body(r)
	return do(m)
}

func walkTar(r io.Reader, b *bound, do func(Member) error) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return damaged(err)
		}
		if skipped(h.Name) || h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := b.count(); err != nil {
			return err
		}
		m := Member{Name: h.Name, Refused: refused(h.Name, h.FileInfo().Mode())}
		if h.Typeflag == tar.TypeLink {
			m.Refused = linked()
		}
		if m.Refused == nil {
			m.Body = faulty{t}
		}
		if err := do(m); err != nil {
			return err
		}
	}
}

// skipped are what macOS puts beside files (pims-api §6.6).
func skipped(name string) bool {
	for _, element := range strings.Split(strings.ReplaceAll(name, `\`, "/"), "/") {
		if element == "__MACOSX" || strings.EqualFold(element, ".DS_Store") {
			return true
		}
	}
	return false
}

// refused is why a member must not be unpacked.
func refused(name string, mode fs.FileMode) error {
	clean := strings.ReplaceAll(name, `\`, "/")
	for _, element := range strings.Split(clean, "/") {
		if element == ".." {
			return fault.New(fault.Denied, "archive-name", "the name leaves the archive")
		}
	}
	switch {
	case clean == "" || strings.HasPrefix(clean, "/") || strings.ContainsRune(clean, 0):
		return fault.New(fault.Denied, "archive-name", "the name is no relative path")
	case mode&fs.ModeSymlink != 0:
		return linked()
	case mode&fs.ModeType != 0:
		return fault.New(fault.Denied, "archive-device", "it is no regular file")
	}
	return nil
}

func linked() error {
	return fault.New(fault.Denied, "archive-link", "it is a link; pack the file itself")
}

// damaged classifies errors of readers; those of the store and of the limits
// pass.
func damaged(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Corrupt, "archive-damaged", "the archive is damaged: %v", err).Because(err)
}
