// Package outcome reads what an App leaves behind: its exit code, and the files of the
// App contract in the job's folder.
//
//	out/message.tc        the exit message, the last 255 characters
//	out/results.tc        "name = value" lines, for declared parameters
//	out/<publishOutFiles> files to deliver
//
// Message and results are those of the App itself: package job puts them back where a
// process that the App left behind wrote them anew. The files to deliver are taken as
// they are when nothing of the job lives, because it may be a worker that completes them.
//
// The folder belongs to the App while it runs and to its author's fancy
// afterwards: everything is opened through os.Root below the job's folder, only regular files, never
// through a link (nor a hard link, which could be a file of somebody else), never
// waiting for a pipe, and no more is read than has a use.
package outcome
