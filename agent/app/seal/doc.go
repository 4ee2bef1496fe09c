// Package seal tells whether an installed App is still what was installed.
//
//	unpacked ─► Make: content of each file, and what the file system says of it ─► <file> (not readable to Apps)
//	start    ─► Same: what the file system says now, one number            0.1 ms for 20 files, see the benchmark
//	              └ differs ─► Renew: contents read; all as they were: sealed anew, else what is damaged
//	now and then ─► Damage: contents read, however untouched the file system says they are
//
// What the file system says is name, kind, size, times and inode. The time of an inode's change cannot be
// set back, so nobody alters a file unnoticed; only what the disk itself spoils needs the contents.
package seal
