// Package artifact is the command "tccloud execution artifact", which is about what Apps hand to the
// platform: a file for each of its words.
package artifact
