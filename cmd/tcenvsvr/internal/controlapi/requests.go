package controlapi

// MasterPassword opens the keychain of a service that is locked.
type MasterPassword struct {
	Password []byte `json:"password"`
}

// Rotation asks for a new sealing key. Forget has the service drop the ones before it, so that what
// was sealed to them opens nowhere.
type Rotation struct {
	Forget bool `json:"forget"`
}

// Rotated is the answer: the new key's fingerprint.
type Rotated struct {
	SealKey string `json:"seal_key"`
}

// LogLevel is debug, info, warn or error.
type LogLevel struct {
	Level string `json:"level"`
}

// Reloaded says what became of new settings, by their names.
type Reloaded struct {
	Taken         []string `json:"taken"`
	RestartNeeded []string `json:"restart_needed"`
}

// Check has the service ask the cloud for an update now. Apply waits neither for the update window
// nor for a confirmation in notify mode.
type Check struct {
	Apply bool `json:"apply"`
}
