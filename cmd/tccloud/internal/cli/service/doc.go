// Package service is the command "tccloud service", which manages Apps that run until they are
// stopped: a file for each of its words, or for those that are alike.
package service
