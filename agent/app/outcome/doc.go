// Package outcome reads what an App leaves behind: its exit code, and the files of the
// App contract in the job's folder.
//
//	out/message.tc        the exit message, the last 255 characters
//	out/results.tc        "name = value" lines, for declared parameters
//	out/<publishOutFiles> files to deliver
//	log/app.log           the App's own log
//
// The folder belongs to the App while it runs and to its author's fancy
// afterwards: everything is opened through os.Root below the job's folder, only regular files, never
// through a link (nor a hard link, which could be a file of somebody else), never
// waiting for a pipe, and no more is read than has a use.
package outcome
