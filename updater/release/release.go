package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

// Product is the first part of every target's name.
const Product = "tcenvsvr"

// MaxSize is the largest program in bytes that is ever downloaded or installed.
const MaxSize = 256 << 20

// maxDeltas is the largest number of deltas of a release.
const maxDeltas = 64

// Release is one program for one platform, as the targets role signed it.
type Release struct {
	Version  string  // canonical semantic version without v, e.g. "1.4.2"
	OS, Arch string  // as GOOS and GOARCH
	Size     int64   // bytes of the program
	SHA256   string  // of the program, in lower-case hex
	MinFrom  string  // the oldest version that may change to this one directly; "" = any
	Severity string  // "", "security" or "critical"; for display
	Deltas   []Delta // from older programs
}

// Delta rebuilds a Release from an older program.
type Delta struct {
	From   string `json:"from"`   // SHA-256 of the old program, in hex
	SHA256 string `json:"sha256"` // of the delta itself
	Size   int64  `json:"size"`   // bytes of the delta
}

// custom is what the metadata carries besides name, length and hash.
type custom struct {
	Version  string  `json:"version"`
	OS       string  `json:"os"`
	Arch     string  `json:"arch"`
	MinFrom  string  `json:"min_from,omitempty"`
	Severity string  `json:"severity,omitempty"`
	Deltas   []Delta `json:"deltas,omitempty"`
}

// Name is the target's name in the signed metadata.
func (r Release) Name() string { return path.Join(r.folder(), r.program()) }

// File is where the program lies below the repository's targets folder.
func (r Release) File() string { return path.Join(r.folder(), r.SHA256+"."+r.program()) }

// DeltaFile is where d lies below the repository's targets folder.
func (r Release) DeltaFile(d Delta) string { return path.Join(r.folder(), d.SHA256+".delta") }

func (r Release) folder() string { return path.Join(Product, r.OS, r.Arch, r.Version) }

func (r Release) program() string {
	if r.OS == "windows" {
		return Product + ".exe"
	}
	return Product
}

// Custom returns the part of r that the metadata carries as custom data.
func (r Release) Custom() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	return json.Marshal(custom{r.Version, r.OS, r.Arch, r.MinFrom, r.Severity, r.Deltas})
}

// Decode reads a target of signed metadata. The error says what does not fit.
func Decode(name string, size int64, sum, data []byte) (Release, error) {
	var c custom
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Release{}, fmt.Errorf("reading target %.100q: custom data: %w", name, err)
	}
	if d.More() {
		return Release{}, fmt.Errorf("reading target %.100q: custom data goes on after its end", name)
	}
	r := Release{c.Version, c.OS, c.Arch, size, hex.EncodeToString(sum), c.MinFrom, c.Severity, c.Deltas}
	if err := r.Check(); err != nil {
		return Release{}, fmt.Errorf("reading target %.100q: %w", name, err)
	}
	if name != r.Name() {
		return Release{}, fmt.Errorf("reading target %.100q: its data says it is %q", name, r.Name())
	}
	return r, nil
}

var (
	word   = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
	digest = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Check reports the first field that is not allowed.
func (r Release) Check() error {
	switch {
	case !Valid(r.Version):
		return fmt.Errorf("version %.64q is no semantic version", r.Version)
	case !word.MatchString(r.OS) || !word.MatchString(r.Arch):
		return fmt.Errorf("platform %.32q is none", r.OS+"/"+r.Arch)
	case r.Size < 1 || r.Size > MaxSize:
		return fmt.Errorf("size %d is outside 1–%d", r.Size, MaxSize)
	case !digest.MatchString(r.SHA256):
		return errors.New("SHA-256 is missing or no 64 hex digits")
	case r.MinFrom != "" && !Valid(r.MinFrom):
		return fmt.Errorf("min_from %.64q is no semantic version", r.MinFrom)
	case r.Severity != "" && r.Severity != "security" && r.Severity != "critical":
		return fmt.Errorf("severity %.32q is unknown", r.Severity)
	case len(r.Deltas) > maxDeltas:
		return fmt.Errorf("%d deltas are more than %d", len(r.Deltas), maxDeltas)
	}
	for _, d := range r.Deltas {
		if !digest.MatchString(d.From) || !digest.MatchString(d.SHA256) || d.Size < 1 || d.Size > MaxSize {
			return errors.New("a delta has no valid digests and size")
		}
	}
	return nil
}

// Valid reports whether v is a canonical semantic version: three numbers, perhaps a pre-release, no
// leading v and no build metadata.
func Valid(v string) bool {
	return len(v) <= 64 && !strings.HasPrefix(v, "v") && semver.Canonical("v"+v) == "v"+v
}

// Verify returns an error unless data is the program that was signed.
func (r Release) Verify(data []byte) error {
	if sum := sha256.Sum256(data); int64(len(data)) != r.Size || hex.EncodeToString(sum[:]) != r.SHA256 {
		return fmt.Errorf("release %s: the program is not the one that was signed", r.Version)
	}
	return nil
}

// Compare orders versions as semver does; an invalid one, such as that of a build without version,
// is older than every valid one. A leading v means nothing.
func Compare(a, b string) int { return semver.Compare(canonical(a), canonical(b)) }

func canonical(v string) string { return "v" + strings.TrimPrefix(v, "v") }
