// Package space is the one place that asks how much room a disk has. It also tells whether an error
// means that the disk was full.
package space
