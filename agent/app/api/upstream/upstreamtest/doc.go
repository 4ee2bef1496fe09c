// Package upstreamtest is a ThreatConnect instance for tests: a real HTTPS server that checks the HMAC
// of each request as the platform does, takes batches, keeps a data store and metrics, and can fail in
// the ways in which instances fail. What it holds outlasts Kill and Restart.
package upstreamtest
