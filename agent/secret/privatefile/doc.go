// Package privatefile reads files that hold secrets, and refuses one that
// somebody else could have read or exchanged.
//
// A secret file is a regular file, no link, owned by whoever runs us or by
// root, with no rights for group and others, and of a bounded size. The file is opened
// once and judged by what was opened, so that exchanging it in between gains nothing.
//
// On Windows, where modes say nothing, the folder's ACL protects it.
package privatefile
