package ometiff

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// Bounds on OME-XML. A plate with a million planes stays below them.
const (
	maxXMLBytes = 64 << 20
	maxDepth    = 64
	maxElements = 1 << 20
)

// element is one element of OME-XML. Names are without prefix; attributes of
// another namespace have it in braces.
type element struct {
	name       string
	attributes []attribute
	text       string // white space around it is cut
	children   []*element
}

type attribute struct{ name, value string }

// parseXML reads the elements of a document. Entities other than those of XML
// itself, and whatever a DOCTYPE declares, are refused or ignored: nothing
// outside of the text is ever read. Kind Corrupt or TooLarge.
func parseXML(text string) (*element, error) {
	if len(text) > maxXMLBytes {
		return nil, fault.New(fault.TooLarge, "ome-xml-large", "the OME-XML has %d bytes; the limit is %d", len(text), maxXMLBytes)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	var root *element
	var open []*element
	for count := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.New(fault.Corrupt, "ome-xml", "the OME-XML is broken near byte %d of %d", d.InputOffset(), len(text)).Because(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(open) >= maxDepth {
				return nil, fault.New(fault.TooLarge, "ome-xml-large", "the OME-XML has more than %d elements, or they nest deeper than %d", maxElements, maxDepth)
			}
			e := newElement(t)
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			} else if root == nil {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" && len(open) > 0 {
				open[len(open)-1].text += text
			}
		}
	}
	if root == nil || root.name != "OME" {
		return nil, fault.New(fault.Corrupt, "ome-xml", "the description ends like OME-XML, but its first element is not OME")
	}
	return root, nil
}

func newElement(start xml.StartElement) *element {
	e := &element{name: start.Name.Local}
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns", a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space != "":
			e.attributes = append(e.attributes, attribute{"{" + a.Name.Space + "}" + a.Name.Local, a.Value})
		default:
			e.attributes = append(e.attributes, attribute{a.Name.Local, a.Value})
		}
	}
	return e
}

// attr is the value of an attribute.
func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attributes {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// all are the children of a name.
func (e *element) all(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// first is the first child of a name; an empty element when there is none.
func (e *element) first(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return &element{}
}
