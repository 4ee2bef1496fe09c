// Package space asks a disk whether there is room, before a large file is
// written, and knows a full disk by its error when there was not.
package space
