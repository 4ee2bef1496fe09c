package fault

import (
	"errors"
	"fmt"
)

// The codes.
const (
	BadZip        = "app.bad_zip"         // not a ZIP file, damaged or encrypted
	TopFolders    = "app.top_folders"     // not exactly one top folder
	NoInstallJSON = "app.no_install_json" // the top folder has no install.json
	BadManifest   = "app.bad_manifest"    // install.json breaks its format
	UnsafePath    = "app.unsafe_path"     // absolute, "..", "\", ":", too long or too deep, not UTF-8
	Link          = "app.link"            // a link, device, socket or pipe
	Duplicate     = "app.duplicate"       // two entries of one name, or a file used as a folder
	Bomb          = "app.bomb"            // an entry expands out of all proportion
	TooLarge      = "app.too_large"       // more bytes or entries than allowed

	Download       = "app.download"        // the API did not deliver the package
	Truncated      = "app.truncated"       // it ended too early, again and again
	SizeMismatch   = "app.size_mismatch"   // it is longer than the order says
	SHA256Mismatch = "app.sha256_mismatch" // it is not the file the order names

	NoSpace  = "app.no_space"  // the disk is full
	Store    = "app.store"     // programs cannot be written for another reason
	NoPython = "app.no_python" // no interpreter where the settings point to, or none on the host
	NoJava   = "app.no_java"   // same
	NoTrust  = "app.no_trust"  // trust stores cannot be made, or the sandbox user cannot read them

	Unsupported = "app.unsupported" // a language or runtime this agent does not run
	BadParam    = "app.bad_param"   // a parameter that cannot be passed to the App
)

// Error is a failure with its code.
type Error struct {
	Code string
	Err  error
}

// Error says what was being done and why it ended; the code is not part of it.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same order may succeed later without a change to the App or the
// order.
func (e *Error) Temporary() bool {
	switch e.Code {
	case Download, Truncated, NoSpace, Store:
		return true
	}
	return false
}

// Rejects reports whether no host could run the order, because the App or the order itself is not
// acceptable.
func (e *Error) Rejects() bool {
	switch e.Code {
	case NoPython, NoJava, NoTrust:
		return false
	}
	return !e.Temporary()
}

// New returns an Error with a formatted text.
func New(code, format string, args ...any) *Error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// Code returns the code of err, or "" when it has none.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
