// Package app is "tcenvsvr app": for developers of Apps, who have no cloud.
//
// "app new" makes a small App that works, from the files in template. "app check" says all that is
// wrong with a package. "app run" does what an order does: the same unpacking, the same launch, the
// same shim. Only the source of the order and the receiver of its result differ.
package app
