package spec

// StartError says why an App did not start. Nothing of it runs or will run, and the job's folder is
// used up.
type StartError struct {
	Code string // one of the codes below; part of the protocol with the cloud
	Err  error
	// Doubt says that the App may have been executed for a moment before it was ended.
	Doubt bool
}

// Codes of StartError.
const (
	CodeLaunch     = "job.launch"           // the Launch is not acceptable
	CodeFolder     = "job.folder"           // the job's folder cannot be used
	CodeClaimed    = "job.claimed"          // something was started in this folder before
	CodeGivenUp    = "job.given_up"         // the agent ended, or could not note the start, before it said Go
	CodeFiles      = "job.files"            // a file of Launch.Files cannot be written
	CodeUnreadable = "job.unreadable"       // the sandbox user cannot read a file that it needs
	CodeNoSpace    = "job.no_space"         // the disk is full
	CodeWorkDir    = "job.workdir"          // the App's working directory is missing or closed
	CodeNotFound   = "job.exec_not_found"   // no such program, or its interpreter is missing
	CodePermission = "job.exec_permission"  // the sandbox user may not execute it
	CodeFormat     = "job.exec_format"      // not a program of this machine
	CodeTooLarge   = "job.exec_too_large"   // more arguments and environment than the system takes
	CodeNoProcess  = "job.no_process"       // the limit of processes or memory is reached
	CodeIO         = "job.io"               // the disk failed, or no more files may be opened
	CodeStart      = "job.start"            // any other reason of the system
	CodeShim       = "job.shim"             // the shim itself did not come up
	CodeTimeout    = "job.start_timeout"    // no word from the shim in time
	CodeUser       = "sandbox.user"         // the sandbox user is no user name
	CodeNoSudo     = "sandbox.no_sudo"      // sudo is not installed
	CodeNoSocket   = "sandbox.no_socket"    // the socket of the hardened runner is not there, not ours or not for us
	CodeRefused    = "sandbox.sudo_refused" // by sudoers, or the user does not exist; the text is sudo's
)

// Error is Err's text; the code stands apart.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *StartError) Unwrap() error { return e.Err }
