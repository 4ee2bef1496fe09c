// Package seal tells whether an installed App is still what was installed.
//
//	unpacked ─► Make: content of each file, and what the file system says of it ─► <file> (not readable to Apps)
//	start    ─► Look: what the file system says now, one number            2.5 ms of processor for 1,000 files
//	              └ differs ─► Damage: contents read; all as they were: sealed anew, else what is damaged
//	now and then ─► Damage: contents read, however untouched the file system says they are
//
// Bytecode in __pycache__ is not part of what was installed: it may go, and come again. Its look is
// a number of its own, and package bytecode knows what must be in it.
//
// What the file system reports is name, kind, size, times and inode. The time of an inode's last
// change cannot be set back, so a changed file is always noticed; only damage by the disk itself
// takes reading the contents.
package seal
