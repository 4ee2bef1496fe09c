// Package app holds the verbs for developers of Apps, who have no cloud.
//
// A run here is the run of an order: the same unpacking, the same launch, the same
// shim. What differs is who asks and who gets the result.
package app
