// Package tool runs the tools of a Linux host (useradd, visudo, restorecon …) and asks its
// databases of users and groups. A tool is never looked for in the caller's PATH, which a "sudo -E"
// may have kept, and speaks no language but C's. What a user may do is proved by running a tool as
// that user.
package tool
