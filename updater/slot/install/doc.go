// Package install writes a program into a slot that nothing runs from. It is the only caller of
// github.com/minio/selfupdate, which writes .NAME.new beside the target and then renames twice.
// Between the renames there is no target; it syncs nothing, and it follows what lies in its way. So
// [Write] does
//
//	remove .new and .old → Prepare (checks the SHA-256) → chmod, fsync → check the header
//	→ Commit → fsync the folder → read the target again and compare
//
// and the caller makes sure that nobody is started from that slot meanwhile.
//
// The header says for which system, processor and version the program was built ([Header]). It is
// read without running the program.
package install
