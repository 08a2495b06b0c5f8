package plainimage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/source"
)

const (
	// headBytes is how much of a file is read first: nearly all headers fit.
	headBytes = 64 << 10
	// MaxHeadBytes bounds headers that carry previews, profiles and XMP.
	MaxHeadBytes = 16 << 20
)

// Head is a growing beginning of a file.
type Head struct {
	reader source.Reader
	data   []byte
}

// OpenHead opens the bundle's main sequence and reads its first part. Kind
// TooLarge for a file that cannot be one tile.
func OpenHead(ctx context.Context, bundle source.Bundle) (*Head, error) {
	reader, err := bundle.Open(ctx, bundle.Main())
	if err != nil {
		return nil, err
	}
	if reader.Size() > MaxBytes {
		return nil, fault.New(fault.TooLarge, "image-file-too-large",
			"the file has %d bytes; a plain image of up to %d can be read, convert it to a pyramidal TIFF", reader.Size(), int64(MaxBytes))
	}
	h := &Head{reader: reader}
	return h, h.grow(ctx, headBytes)
}

// Size is that of the file, in bytes.
func (h *Head) Size() int64 { return h.reader.Size() }

// Bytes is the beginning of the file that was read so far. It must not be
// changed.
func (h *Head) Bytes() []byte { return h.data }

// Whole tells whether Bytes is all of the file.
func (h *Head) Whole() bool { return int64(len(h.data)) == h.reader.Size() }

// More reads four times as much as before; false when the file or
// MaxHeadBytes has been reached already.
func (h *Head) More(ctx context.Context) (bool, error) {
	if h.Whole() || len(h.data) >= MaxHeadBytes {
		return false, nil
	}
	return true, h.grow(ctx, 4*len(h.data))
}

func (h *Head) grow(ctx context.Context, to int) error {
	want := min(int64(to), h.reader.Size(), MaxHeadBytes)
	have := int64(len(h.data))
	if want <= have {
		return nil
	}
	parts, err := h.reader.ReadRanges(ctx, []source.Range{{Offset: have, Length: want - have}})
	if err != nil {
		return err
	}
	h.data = append(h.data, parts[0]...)
	return nil
}

// ReadAt gives n bytes at an offset, without keeping them. They must lie in the
// file.
func (h *Head) ReadAt(ctx context.Context, offset, n int64) ([]byte, error) {
	if offset >= 0 && n >= 0 && offset+n <= int64(len(h.data)) {
		return h.data[offset : offset+n], nil
	}
	return source.ReadAt(ctx, h.reader, offset, n)
}

// File is the tile that is the whole file, the only one of its level.
func (h *Head) File() [][]formats.Extent {
	return [][]formats.Extent{{{Length: h.reader.Size()}}}
}

// Signed makes Probe's answer of a signature test: it costs no read.
func Signed(ok bool, why string) (formats.Match, error) {
	if !ok {
		return formats.Match{}, nil
	}
	return formats.Match{OK: true, Why: why}, nil
}
