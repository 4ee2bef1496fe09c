// Package zipdir opens ZIP files of unknown origin. archive/zip keeps some 200 bytes for each entry
// of the directory, whose length the file decides: a directory of 500 MB takes 3 GB of memory
// before a caller can count the entries. Here the directory is bounded while it is read.
package zipdir
