// Package zipdir opens ZIP files that come from elsewhere. archive/zip keeps some
// 200 bytes for each entry of a directory that may be as long as the file says:
// 500 MB of directory take 3 GB of memory before anybody can count the entries. Here the
// directory is bounded while it is read.
package zipdir
