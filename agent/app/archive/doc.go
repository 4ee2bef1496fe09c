// Package archive makes class-data archives of Java Apps, with which a JVM starts in half the time:
// it maps the classes of the App, and those of the JDK that the App uses, instead of reading and
// verifying them again at each start.
//
//	first run, successful ─► names of its classes ─► queue ─► build job: java -Xshare:dump
//	   (the App's user)        hostile text                   (isolated; the App's code does not run)
//	                                                                │ hostile file
//	                                                                ▼
//	next run ◄── Equip: key and look are right? ◄── .archives/<sha256>.jsa, .json ◄── bounded copy
//
// A JVM believes its archive. So an archive is made for one version of an App, which is named by
// its content, one JDK and one class path, all of which are in its key; it is a copy that the
// agent's user has made, that the App's user can only read, and that is used only as long as the
// file system reports nothing else of it. If anything of this differs, the App starts as it would
// without, and its next successful run has a new archive made: an update of the JDK needs nothing
// else. No order waits for any of it.
//
// What the App itself can influence is the list of classes. It is bounded, names only are taken out
// of it (classes.go), and a wrong one makes an archive that lacks something or has too much. It has
// no other way to the archive: the job that makes it sees the App's folder read-only and executes
// none of its code. Where Apps are not kept from each other's files nothing is made ([build.ErrExposed]).
//
// What an archive cannot save: a JVM waits for 300 ms at its end for threads that are in a call of the system
// then (VM_Exit::wait_for_threads_in_native_to_block), which those of java.net.http and of servers always are.
//
// A build that failed is not tried again for a day, nor is one whose archive an App's JVM crashed
// with. All archives together are bounded; the least recently used goes first (keep.go).
//
//	a crash after            leaves                        and the next agent
//	the build job            a folder build-…              the janitor removes it
//	the copy                 .new-…                        Open removes it
//	the archive's rename     an archive without a record   Open removes it
//	                         or with that of the one before  does not use it: its look is another
//	the record               a complete archive            uses it
package archive
