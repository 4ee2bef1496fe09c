// Package app is "tcenvsvr app": for developers of Apps, who have no cloud.
//
// "app run" does what an order does: the same unpacking, the same launch, the same shim. Only the
// source of the order and the receiver of its result differ.
package app
