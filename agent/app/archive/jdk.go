package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"tcenvsvr/agent/disk/plainfile"
)

// jdk is what an archive must know of the JDK that maps it.
type jdk struct {
	identity string // of this JDK as it is now
	runtime  string // its version, as archives have it in their header
}

// oldest is the first version of Java that archives are made for: an older one wants other options.
const oldest = 17

// errJDK says that there are no archives for a JDK.
var errJDK = errors.New("class-data archives are made for HotSpot of Java 17 and later")

// jdks remembers what JDKs say of themselves, by identity.
type jdks struct {
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	jdk jdk
	err error
}

// of describes the JDK that a java program belongs to. It takes some stat calls if that JDK is known
// already.
func (j *jdks) of(java string) (jdk, error) {
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return jdk{}, err
	}
	home := filepath.Dir(filepath.Dir(real))
	release := filepath.Join(home, "release")
	identity := real
	for _, file := range []string{real, release, filepath.Join(home, "lib", "modules"), filepath.Join(home, "lib", "server", "libjvm.so")} {
		info, err := os.Stat(file)
		if err != nil {
			return jdk{}, errJDK
		}
		identity += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if k, ok := j.known[identity]; ok {
		return k.jdk, k.err
	}
	if j.known == nil || len(j.known) > 20 {
		j.known = map[string]known{}
	}
	k := known{jdk: jdk{identity: identity}}
	k.jdk.runtime, k.err = readRelease(release)
	j.known[identity] = k
	return k.jdk, k.err
}

// maxRelease bounds the file release of a JDK in bytes.
const maxRelease = 64 << 10

// readRelease returns JAVA_RUNTIME_VERSION of a file release.
func readRelease(file string) (string, error) {
	f, _, err := plainfile.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRelease))
	if err != nil {
		return "", err
	}
	return decodeRelease(data)
}

func decodeRelease(data []byte) (string, error) {
	values := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), "="); ok {
			values[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	major, _, _ := strings.Cut(values["JAVA_VERSION"], ".")
	n, err := strconv.Atoi(major)
	runtime := values["JAVA_RUNTIME_VERSION"]
	if err != nil || n < oldest || len(runtime) < 2 || len(runtime) > 100 || strings.EqualFold(values["JVM_VARIANT"], "openj9") {
		return "", errJDK
	}
	return runtime, nil
}
