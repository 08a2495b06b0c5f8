package ometiff

import (
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
)

// maxMetadata bounds the values that are listed.
const maxMetadata = 50_000

// flatten lists all values of the document as PIMS does (pims-api §5.5): keys
// joined with dots, elements that may repeat with their number, children before
// attributes, without ids and without what only refers to other elements.
func flatten(root *element) []formats.Metadatum {
	f := flattener{namespace: strings.ToUpper(root.name)}
	f.add(root, "")
	return f.out
}

type flattener struct {
	namespace string
	out       []formats.Metadatum
}

func (f *flattener) add(e *element, path string) {
	counts := map[string]int{}
	for _, c := range e.children {
		if isSkipped(c.name) {
			continue
		}
		key := c.name
		if isList(c.name) {
			key += "[" + strconv.Itoa(counts[c.name]) + "]"
			counts[c.name]++
		}
		f.add(c, join(path, key))
	}
	if e.text != "" {
		f.put(path, e.text)
	}
	for _, a := range e.attributes {
		if a.name != "ID" {
			f.put(join(path, a.name), a.value)
		}
	}
}

func (f *flattener) put(key, value string) {
	if key != "" && len(f.out) < maxMetadata {
		f.out = append(f.out, formats.Metadatum{Namespace: f.namespace, Key: key, Value: formats.ParseScalar(value)})
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// isSkipped are elements that say nothing by themselves.
func isSkipped(name string) bool {
	return name == "TiffData" || name == "BinData" || strings.HasSuffix(name, "Settings") || strings.HasSuffix(name, "Ref")
}

// isList are the elements that the OME schema (2016-06) lets repeat.
func isList(name string) bool {
	switch name {
	case "Image", "Channel", "Plane", "Instrument", "Objective", "Detector", "Laser", "Arc", "Filament", "LightEmittingDiode",
		"GenericExcitationSource", "Filter", "FilterSet", "Dichroic", "Experimenter", "ExperimenterGroup", "Experiment", "Project",
		"Dataset", "Folder", "Plate", "Well", "WellSample", "Screen", "Reagent", "PlateAcquisition", "ROI", "M",
		"XMLAnnotation", "FileAnnotation", "ListAnnotation", "LongAnnotation", "DoubleAnnotation", "CommentAnnotation",
		"BooleanAnnotation", "TimestampAnnotation", "TagAnnotation", "TermAnnotation", "MapAnnotation":
		return true
	}
	return false
}
