// Package importer turns an upload into a slide that can be viewed: it probes
// which format the file is of, checks it, and registers it – index, associated
// images, metadata, histogram, sidecar – without rewriting a pixel.
//
// An import is named by the slide id that is derived from the upload's bucket,
// key and ETag, and its state is one object, processed/import.json, that
// changes by conditional writes only. So an event that is delivered twice finds
// the work done or being done, two workers cannot both win, and what a dead
// worker left is taken over once its lease has passed. The sidecar is written
// last: a slide is visible only when everything that it names exists.
//
// What is stored for slide id, in this order:
//
//	<id>/processed/import.json       from the first moment on: state, progress, report
//	<id>/<name>                      the upload's bytes, unless registered in place
//	<id>/processed/associated/*      label, macro, thumbnail, re-encoded
//	<id>/processed/metadata.json     raw metadata
//	<id>/processed/annotations.json  annotations found inside the file
//	<id>/processed/histogram.json    per plane and channel
//	<id>/processed/slide.pims        the sidecar
//
// A failed import leaves import.json alone, with the reason, and the upload
// where it was. The package speaks to stores only through objectstore, whose
// drivers say which rights they need; here those are read, write, list and
// delete on the slides prefix, read and delete on the uploads prefix.
package importer
