package handover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Requests of the agent. Each is an empty file in the inbox.
const (
	RequestApply   = "request-apply"   // install the release that lies in the inbox
	RequestHealthy = "request-healthy" // this program works: end its probation
)

const (
	metadataFolder = "metadata"  // signed metadata of the update repository, a flat folder
	artifactPrefix = "artifact-" // a program; its SHA-256 in hexadecimal digits follows
)

// ExitRestart is the exit code with which the agent asks to be started again.
const ExitRestart = 75

// Ask makes a request in the inbox.
func Ask(inbox, request string) error {
	return os.WriteFile(filepath.Join(inbox, request), nil, 0o600)
}

// Asked reports whether a request waits in the inbox.
func Asked(inbox, request string) bool {
	_, err := os.Lstat(filepath.Join(inbox, request))
	return err == nil
}

// MetadataDir is the folder of the signed metadata in the inbox.
func MetadataDir(inbox string) string { return filepath.Join(inbox, metadataFolder) }

// ArtifactFile is where the program with this SHA-256 lies in the inbox.
func ArtifactFile(inbox, sum string) string { return filepath.Join(inbox, artifactPrefix+sum) }

// RemoveArtifacts removes all programs from the inbox: root would install the newest one.
func RemoveArtifacts(inbox string) error {
	entries, err := os.ReadDir(inbox)
	if err != nil {
		return fmt.Errorf("removing old programs from the inbox: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), artifactPrefix) {
			errs = append(errs, os.Remove(filepath.Join(inbox, e.Name())))
		}
	}
	return errors.Join(errs...)
}
