// Package pace bounds transfers over HTTP that may last: not the whole,
// which a slow line and a large file may stretch to hours, but each pause in it. A
// frozen connection must not hold its resources until TCP notices.
package pace
