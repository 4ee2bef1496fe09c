// Package pace bounds transfers over HTTP that may take long: not the whole, which takes hours for
// a large file on a slow line, but each pause in it. A frozen connection must not use resources
// until TCP notices.
package pace
