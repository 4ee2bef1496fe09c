// Package textfile writes figures into a file from which the textfile collector of Prometheus'
// node_exporter reads them, for programs that listen on nothing.
//
//	Text, in Prometheus' text format ──► .NAME.tmp beside the file ──► renamed to NAME
//
// The collector reads the classic text format (version 0.0.4), not OpenMetrics: it leaves out files that
// have timestamps, and takes the time of the file itself (node_textfile_mtime_seconds).
package textfile
