package tiff

// Limits bound what a File reads and keeps, whatever the file claims.
type Limits struct {
	// MaxIFDs is how many directories may be read, SubIFDs included.
	MaxIFDs int
	// MaxEntriesPerIFD is how many entries one directory may have.
	MaxEntriesPerIFD int
	// MaxStructureBytes is what all directories together may weigh, without
	// the values that lie outside them.
	MaxStructureBytes int64
	// MaxValueBytes is what one call may read of one entry's values.
	MaxValueBytes int64
}

// DefaultLimits let every real slide pass: z-stacks of tens of thousands of
// planes, OME-XML of tens of megabytes.
func DefaultLimits() Limits {
	return Limits{
		MaxIFDs:           1 << 16,
		MaxEntriesPerIFD:  4096,
		MaxStructureBytes: 32 << 20,
		MaxValueBytes:     64 << 20,
	}
}

// orDefault replaces bounds that are not positive by the default ones, so that
// the zero Limits are safe.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.MaxIFDs <= 0 {
		l.MaxIFDs = d.MaxIFDs
	}
	if l.MaxEntriesPerIFD <= 0 {
		l.MaxEntriesPerIFD = d.MaxEntriesPerIFD
	}
	if l.MaxStructureBytes <= 0 {
		l.MaxStructureBytes = d.MaxStructureBytes
	}
	if l.MaxValueBytes <= 0 {
		l.MaxValueBytes = d.MaxValueBytes
	}
	return l
}
