package roots

import (
	"fmt"
	"path/filepath"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/keystore"
)

// JavaFile returns the trust store of the JDK that a java program belongs to.
func JavaFile(java string) (file string, ok bool) {
	return firstBelow(java, "lib/security/cacerts", "jre/lib/security/cacerts", "conf/security/cacerts")
}

// Java reads the trust store of a JDK.
func Java(file string) (Found, error) {
	data, err := read(file)
	if err != nil {
		return Found{}, fmt.Errorf("reading Java's trusted CAs: %w", err)
	}
	certs, skipped, err := keystore.Decode(data)
	if err != nil {
		return Found{}, fmt.Errorf("reading Java's trusted CAs from %q: %w", file, err)
	}
	return Found{Place: file, Certs: certs, Skipped: skipped}, nil
}

// PythonFile returns certifi's file in the installation that a python program belongs to.
func PythonFile(python string) (file string, ok bool) {
	return firstBelow(python,
		"lib/python3*/site-packages/certifi/cacert.pem", "lib64/python3*/site-packages/certifi/cacert.pem",
		"lib/python3*/dist-packages/certifi/cacert.pem", "Lib/site-packages/certifi/cacert.pem")
}

// Python reads certifi's file.
func Python(file string) (Found, error) {
	certs, skipped, err := cert.ReadFile(file)
	if err != nil {
		return Found{}, fmt.Errorf("certifi: %w", err)
	}
	return Found{Place: file, Certs: certs, Skipped: len(skipped)}, nil
}

// firstBelow finds a file below the installation of a program, which is the folder above its bin.
// It follows the path as given (a virtual environment) and the target of its links (an
// alternative).
func firstBelow(program string, patterns ...string) (string, bool) {
	if program == "" {
		return "", false
	}
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		real = program
	}
	for _, exe := range []string{program, real} {
		dir := filepath.Dir(exe)
		for _, home := range []string{filepath.Dir(dir), dir} { // dir: Windows has python.exe beside Lib
			for _, pattern := range patterns {
				if found, _ := filepath.Glob(filepath.Join(home, filepath.FromSlash(pattern))); len(found) > 0 {
					return found[len(found)-1], true // the newest Python
				}
			}
		}
	}
	return "", false
}
