// Package outcome reads what an App leaves behind: its exit code, and the files of the App contract
// in the job's folder.
//
//	out/message.tc        the exit message, the last 255 characters
//	out/results.tc        "name = value" lines, for declared parameters
//	out/<publishOutFiles> files to deliver
//
// Message and results are those of the App itself: if a process that the App left behind overwrites
// them, package job puts them back. The files to deliver are read when no process of the job lives
// any more, because a worker of the App may complete them.
//
// The App may put anything into its folder. So everything is opened through os.Root below the job's
// folder; only regular files are opened, never through a link, nor one with a second hard link,
// which could be another user's file; opening never waits for a pipe; and no more is read than is
// used.
package outcome
