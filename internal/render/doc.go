// Package render makes pictures of slides: tiles, thumbnails, associated
// images.
//
// A View says what is shown: channels, a plane or a projection of several,
// intensity windows, colormaps, filters, threshold, colour space, depth. Made
// ready for a slide it becomes a plan: planes to read (project.go), steps on
// their samples (intensity.go, merge.go), the resize, steps on the picture
// (filters.go, space.go, threshold.go). Steps that would change nothing are left
// out when the plan is made; an empty plan on a tile that the slide stores as it
// was asked for is passthrough: the source's own bytes with a header splice, and
// not a pixel is decoded.
//
// The arithmetic and its order are those of PIMS (pims-api §4). Everything is
// bounded: the pixels that one answer may read, the bytes of one stored tile,
// and how many answers are decoded at a time.
package render
