// Package privatefile reads files that hold secrets. It refuses a file that another user could have
// read or replaced.
//
// A file of secrets is a regular file and no link, belongs to the user of this process or to root,
// gives no rights to group and others, and has a bounded size. The file is opened once, and all
// checks look at the opened file, so replacing it in between gains nothing.
//
// On Windows, where modes say nothing, the folder's ACL protects it.
package privatefile
