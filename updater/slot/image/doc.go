// Package image reads what a program says about itself, without running
// it: for which system and processor its header is, and what the Go
// toolchain recorded in it. A release whose signed description says
// something else was published by mistake, and must not reach a slot.
//
// The version is recorded where the program was built from a tagged
// revision; where the toolchain does not know it, the signed one counts.
package image
