// Package telemetry says what the program does: loggers by name, one line a
// request, instruments, and profiles when DEBUG is set.
//
// Instruments lists what is measured; a Recorder is told of it: prom.Metrics in
// a server, emf.Metrics in a function. There are no package-level loggers or
// registries: app makes one Loggers, gets one Recorder and hands them on.
package telemetry
