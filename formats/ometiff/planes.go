package ometiff

import (
	"path"
	"strconv"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats/tiffpage"
)

// block is one TiffData element: count planes from a directory on.
type block struct {
	ifd, count int
	z, c, t    int // of its first plane
}

// blocks lists the TiffData of a picture. Without any, planes are the
// directories in order. Kind Unsupported when planes lie in other files.
func (d *document) blocks(p *picture, ifds int) ([]block, error) {
	elements := p.pixels.all("TiffData")
	if len(elements) == 0 {
		return []block{{count: ifds}}, nil
	}
	if err := d.checkOneFile(p, elements); err != nil {
		return nil, err
	}
	out := make([]block, len(elements))
	for i, e := range elements {
		b := &out[i]
		_, hasIFD := e.attr("IFD")
		b.count = ifds
		if hasIFD {
			b.count = 1
		}
		for name, to := range map[string]*int{"IFD": &b.ifd, "PlaneCount": &b.count, "FirstZ": &b.z, "FirstC": &b.c, "FirstT": &b.t} {
			text, ok := e.attr(name)
			if !ok {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > maxAxis {
				return nil, fault.New(fault.Corrupt, "ome-tiff-data", "%s of TiffData %d of Image %q is %q; expected a whole number from 0", name, i, p.name(), text)
			}
			*to = n
		}
	}
	return out, nil
}

// checkOneFile refuses images whose planes are spread over files. A plane is
// here when its UUID is the document's, however the file is called by now.
func (d *document) checkOneFile(p *picture, elements []*element) error {
	own, identified := d.root.attr("UUID")
	seen := ""
	for _, e := range elements {
		uuid := e.first("UUID")
		name, _ := uuid.attr("FileName")
		switch {
		case uuid.text == "" && name == "", identified && uuid.text == own:
			continue
		case !identified && (seen == "" || seen == name):
			seen = name
			continue
		}
		return fault.New(fault.Unsupported, "ome-multi-file",
			"planes of Image %q lie in other files, for example %q; images of several files are not read; save the image anew as one OME-TIFF", p.name(), path.Base(name))
	}
	return nil
}

// layout says which directory holds which plane.
type layout struct {
	axes tiffpage.Axes
	ifds []int // by plane number, -1 where the file has none
}

// An interrupted acquisition leaves planes out, but not nearly all of them:
// up to minPlanes may be claimed by any file, else maxMissing a directory.
const (
	minPlanes  = 1024
	maxMissing = 16
)

// planesOf places the planes of a picture whose pixels have so many stored and
// shown samples. Kind Corrupt when the document and the directories disagree.
func (d *document) planesOf(p *picture, stored, shown, ifds int) (layout, error) {
	samples := stored
	if p.c%samples != 0 {
		samples = shown // alpha is not always counted in SizeC
	}
	if p.c%samples != 0 {
		return layout{}, fault.New(fault.Corrupt, "ome-samples", "Image %q has %d channels, but its pixels have %d samples", p.name(), p.c, stored)
	}
	out := layout{axes: tiffpage.Axes{Channels: p.c / samples, Depth: p.z, Duration: p.t}}
	if err := out.axes.Check(); err != nil {
		return layout{}, err
	}
	if planes := out.axes.Planes(); planes > max(minPlanes, maxMissing*ifds) {
		return layout{}, fault.New(fault.Corrupt, "ome-planes", "Image %q claims %d planes; the file has %d directories", p.name(), planes, ifds)
	}
	blocks, err := d.blocks(p, ifds)
	if err != nil {
		return layout{}, err
	}
	out.ifds = make([]int, out.axes.Planes())
	for i := range out.ifds {
		out.ifds[i] = -1
	}
	for _, b := range blocks {
		if b.c >= out.axes.Channels {
			b.c /= samples // counted in samples
		}
		if err := out.place(p, b, ifds); err != nil {
			return layout{}, err
		}
	}
	return out, nil
}

// place puts the planes of one block where DimensionOrder says.
func (l *layout) place(p *picture, b block, ifds int) error {
	sizes := map[byte]int{'C': l.axes.Channels, 'Z': l.axes.Depth, 'T': l.axes.Duration}
	at := map[byte]int{'C': b.c, 'Z': b.z, 'T': b.t}
	for axis, first := range at {
		if first >= sizes[axis] {
			return fault.New(fault.Corrupt, "ome-tiff-data", "a TiffData of Image %q begins at %c=%d; there are %d", p.name(), axis, first, sizes[axis])
		}
	}
	for i := range min(b.count, len(l.ifds)) {
		ifd := b.ifd + i
		if ifd >= ifds {
			return fault.New(fault.Corrupt, "ome-tiff-data", "Image %q has a plane in directory %d; the file has %d directories", p.name(), ifd, ifds)
		}
		l.ifds[(at['T']*l.axes.Depth+at['Z'])*l.axes.Channels+at['C']] = ifd
		carry := true
		for k := 0; carry && k < len(p.order); k++ {
			axis := p.order[k]
			at[axis]++
			if carry = at[axis] == sizes[axis]; carry {
				at[axis] = 0
			}
		}
		if carry {
			break // beyond the last plane
		}
	}
	return nil
}
