// Package telemetry says what the program does: loggers by name, one line a
// request, counters, and profiles when DEBUG is set.
//
// There are no package-level loggers or registries: app makes one Loggers and
// one Metrics and hands them on.
package telemetry
