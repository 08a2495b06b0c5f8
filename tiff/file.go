package tiff

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

const (
	// blockBytes is the unit in which structure is read. Writers put a
	// directory's values next to it, so one block is usually one directory.
	blockBytes = 32 << 10
	// maxBlocks bounds the cache of one file to 2 MiB.
	maxBlocks = 64
)

// File is the structure of one TIFF file. It is safe for concurrent use.
type File struct {
	blocks source.Reader // r through a cache of blocks
	size   int64
	order  binary.ByteOrder
	big    bool
	limits Limits
	first  *IFD

	mu             sync.Mutex // guards the rest
	chain          []*IFD     // the main chain, nil until it was read to its end
	directories    int        // read so far, SubIFDs included
	structureBytes int64      // read so far, see Limits.MaxStructureBytes
	valueBytes     int64      // claimed outside of directories so far
}

// Open reads the header and the first directory of r. Bounds that are zero are
// those of DefaultLimits.
//
// The error's kind is Unsupported, code "tiff-not-a-tiff", when r does not
// begin like a TIFF; Corrupt when it does and then contradicts itself.
func Open(ctx context.Context, r source.Reader, limits Limits) (*File, error) {
	f := &File{blocks: source.Blocks(r, blockBytes, maxBlocks), size: r.Size(), limits: limits.orDefault()}
	at, err := f.readHeader(ctx)
	if err != nil {
		return nil, err
	}
	if at == 0 {
		return nil, fault.New(fault.Corrupt, "tiff-no-ifd", "The TIFF header points to no directory, so there is no image in the file.")
	}
	f.first, err = f.readIFD(ctx, at, 0, nil)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// BigTIFF reports whether offsets have 64 bits.
func (f *File) BigTIFF() bool { return f.big }

// ByteOrder is the order of the file's numbers, uncompressed samples included.
func (f *File) ByteOrder() binary.ByteOrder { return f.order }

// Size is the length of the file in bytes.
func (f *File) Size() int64 { return f.size }

// First is the first directory of the main chain; it costs nothing.
func (f *File) First() *IFD { return f.first }

// IFDs is the main chain of directories, in file order, at least one. The
// first call reads it; a link back to a directory that was already seen is an
// error of kind Corrupt, code "tiff-ifd-loop". The caller must not change the
// slice.
func (f *File) IFDs(ctx context.Context) ([]*IFD, error) {
	f.mu.Lock()
	chain := f.chain
	f.mu.Unlock()
	if chain != nil {
		return chain, nil
	}
	chain = []*IFD{f.first}
	seen := map[int64]bool{f.first.Offset: true}
	for at := f.first.next; at != 0; at = chain[len(chain)-1].next {
		if seen[at] {
			return nil, fault.New(fault.Corrupt, "tiff-ifd-loop",
				"Directory %d links back to the directory at byte %d, so the chain of directories never ends.", len(chain)-1, at)
		}
		seen[at] = true
		d, err := f.readIFD(ctx, at, len(chain), nil)
		if err != nil {
			return nil, err
		}
		chain = append(chain, d)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chain == nil {
		f.chain = chain
	}
	return f.chain, nil
}

// readHeader reads the byte order and the flavour, and returns the offset of
// the first directory.
func (f *File) readHeader(ctx context.Context) (int64, error) {
	if f.size < 8 {
		return 0, notATIFF("it has only %d bytes, a TIFF header has 8", f.size)
	}
	h, err := source.ReadAt(ctx, f.blocks, 0, min(16, f.size))
	if err != nil {
		return 0, err
	}
	switch {
	case h[0] == 'I' && h[1] == 'I':
		f.order = binary.LittleEndian
	case h[0] == 'M' && h[1] == 'M':
		f.order = binary.BigEndian
	default:
		return 0, notATIFF("it begins with the bytes % x instead of II or MM", h[:2])
	}
	switch version := f.order.Uint16(h[2:]); version {
	case 42:
		return f.checkOffset(uint64(f.order.Uint32(h[4:])), "the first directory")
	case 43:
		if len(h) < 16 {
			return 0, notATIFF("it has only %d bytes, a BigTIFF header has 16", f.size)
		}
		if n := f.order.Uint16(h[4:]); n != 8 {
			return 0, notATIFF("its offsets have %d bytes, BigTIFF has 8", n)
		}
		f.big = true
		return f.checkOffset(f.order.Uint64(h[8:]), "the first directory")
	default:
		return 0, notATIFF("its version is %d, expected 42 (TIFF) or 43 (BigTIFF)", version)
	}
}

func notATIFF(format string, args ...any) error {
	return fault.New(fault.Unsupported, "tiff-not-a-tiff", "The file is no TIFF: "+format+".", args...)
}

// checkOffset refuses an offset that is not inside the file.
func (f *File) checkOffset(offset uint64, of string) (int64, error) {
	if offset >= uint64(f.size) {
		return 0, fault.New(fault.Corrupt, "tiff-offset-beyond-end",
			"The offset of %s is %d, but the file has only %d bytes.", of, offset, f.size)
	}
	return int64(offset), nil
}

// account counts one more directory of so many bytes against the limits.
func (f *File) account(structureBytes int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.directories++
	f.structureBytes += structureBytes
	if f.directories > f.limits.MaxIFDs {
		return fault.New(fault.TooLarge, "tiff-too-many-ifds",
			"The file has more than %d directories, which is the limit.", f.limits.MaxIFDs)
	}
	if f.structureBytes > f.limits.MaxStructureBytes {
		return fault.New(fault.TooLarge, "tiff-too-much-structure",
			"The directories of the file weigh more than %d bytes, which is the limit.", f.limits.MaxStructureBytes)
	}
	return nil
}

// accountValues counts the bytes that values outside a directory claim. In an
// honest file no value lies on another, so that all together weigh less than
// the file. A small file whose many entries all claim the same bytes would cost
// its size times the number of entries to read. Some writers do share a value
// between pages, hence the room.
func (f *File) accountValues(claimed int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.valueBytes += claimed
	if f.valueBytes > 4*f.size+f.limits.MaxStructureBytes {
		return fault.New(fault.TooLarge, "tiff-overlapping-values",
			"The entries of the file claim more than %d bytes of values, but the file has only %d bytes: values overlap.", f.valueBytes, f.size)
	}
	return nil
}
