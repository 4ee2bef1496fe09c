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
	CodeIsolation  = "job.isolation"        // the App cannot be kept apart as the settings want it
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

// Hints say of each code what it means and what to try, for help.
var Hints = map[string]string{
	CodeLaunch:     "what was to be started is not acceptable: a fault of the agent, please report it",
	CodeFolder:     "the job's folder cannot be used: \"tcenvsvr host check\" looks at its owner and rights",
	CodeClaimed:    "something was started in this folder before: run the order again",
	CodeGivenUp:    "the agent ended, or its journal could not be written, before the App was started: run the order again",
	CodeFiles:      "a file that the App needs cannot be written into its folder; the message says why",
	CodeUnreadable: "the sandbox user cannot read a file that it needs: \"tcenvsvr host check\"",
	CodeNoSpace:    "the disk with exchange/jobs is full",
	CodeWorkDir:    "the App's working folder is missing, or closed to the sandbox user",
	CodeNotFound:   "there is no such program, or its interpreter is missing: \"tcenvsvr doctor\"",
	CodePermission: "the sandbox user may not execute the program: noexec, SELinux, or its rights",
	CodeFormat:     "the program is not one of this machine: look at the interpreter in the settings",
	CodeTooLarge:   "more arguments and environment than the system takes: give less in parameters",
	CodeNoProcess:  "the limit of processes or memory is reached: fewer appsNumberofJobExecutors, or a larger host",
	CodeIO:         "the disk with the program failed, or no more files may be opened: \"dmesg\", LimitNOFILE",
	CodeIsolation:  "this host does not allow to isolate Apps as appsIsolation wants it: \"tcenvsvr doctor\" says what is missing",
	CodeStart:      "the system did not start the program; the message says why",
	CodeShim:       "the job's supervisor did not come up; the message says why",
	CodeTimeout:    "the job's supervisor did not answer in time: this host is overloaded",
	CodeUser:       "appsSandboxUser is no user name",
	CodeNoSudo:     "sudo is not installed: install it, or set appsRunner to socket",
	CodeNoSocket:   "tc-job.socket is not there, not ours or not for us: \"systemctl enable --now tc-job.socket\"",
	CodeRefused:    "sudo does not let the agent become the sandbox user: \"tcenvsvr host apply\" writes the rule",
}
