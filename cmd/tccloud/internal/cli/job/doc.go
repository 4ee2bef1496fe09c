// Package job is the command "tccloud job", which manages Apps that run by a schedule: a file for
// each of its words.
package job
