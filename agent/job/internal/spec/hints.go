package spec

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
	CodeStart:      "the system did not start the program; the message says why",
	CodeShim:       "the job's supervisor did not come up; the message says why",
	CodeTimeout:    "the job's supervisor did not answer in time: this host is overloaded",
	CodeUser:       "appsSandboxUser is no user name",
	CodeNoSudo:     "sudo is not installed: install it, or set appsRunner to socket",
	CodeNoSocket:   "tc-job.socket is not there, not ours or not for us: \"systemctl enable --now tc-job.socket\"",
	CodeRefused:    "sudo does not let the agent become the sandbox user: \"tcenvsvr host apply\" writes the rule",
}
