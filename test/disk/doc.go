// Package disk makes small file systems that a test may break: ext4 in a file, mounted through a
// loop device, so that what programs meet is the kernel's own behaviour and not an error that a
// test invented.
//
//	d := disk.New(t, disk.Size(256<<20))
//	d.Dir          // where it is mounted
//	d.Shutdown()   // EXT4_IOC_SHUTDOWN: EIO from now on, what was not synced is lost
//	d.Back()       // the same disk, as it is after the loss of power
//	d.Freeze()     // writers hang until Thaw
//	d.ReadOnly()   // EROFS, as after an error of the file system, until Writable
//	d.Fill()       // ENOSPC, but for some bytes, until Free
//	d.FillInodes() // ENOSPC of names, until Free
//
// Damages are what may become of one file; they need nothing. The disk needs root and a kernel with
// loop devices and ext4; elsewhere the test is skipped with the reason.
package disk
