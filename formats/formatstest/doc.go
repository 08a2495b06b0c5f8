// Package formatstest is the suite that every format passes, built-in or
// plugin. A format's test calls Run with files that it must accept, files that
// it must refuse and files that are broken; the suite checks the contract of
// package formats on all of them:
//
//   - Probe looks at content, says why, refuses with at most two reads, and
//     never takes a failed read for a "no"
//   - Describe is complete and consistent, and its result belongs to the caller
//   - levels descend; every tile lies in its source; parts and wholes agree
//   - associated images have the size that is listed, metadata a type of PIMS'
//   - broken files give classified errors, never a panic, never a read outside
//   - everything may be called at once from several goroutines
package formatstest
