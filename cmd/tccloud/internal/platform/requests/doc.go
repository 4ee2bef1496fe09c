// Package requests remembers what was passed on to a real platform (agent/app/api/upstream) for each
// execution: method, path, status and bytes. The newest 10,000 of an execution are kept, all in all
// 256 MB; a power cut takes the last second of them.
package requests
