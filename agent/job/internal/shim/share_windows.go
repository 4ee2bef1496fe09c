package shim

// share does nothing: jobs run as the agent's own user.
func share(string) {}

// removed: Windows lets nobody remove a folder that a process is in.
func removed(string) bool { return false }
