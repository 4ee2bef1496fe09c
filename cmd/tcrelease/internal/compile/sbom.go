package compile

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tcenvsvr/packaging"
)

// A bill is an SBOM in CycloneDX 1.6.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Serial     string      `json:"serialNumber"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// SBOM lists the modules that are linked into the programs in folder, as the programs record them.
func SBOM(t Target, folder string, now time.Time) ([]byte, error) {
	seen := map[string]component{}
	for _, name := range programs {
		if t.OS == "windows" {
			name += ".exe"
		}
		info, err := buildinfo.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("listing what is in %s: %w", name, err)
		}
		for _, d := range append([]*debug.Module{{Path: "stdlib", Version: info.GoVersion}}, info.Deps...) {
			if d.Replace != nil {
				d = d.Replace
			}
			c := library(d)
			seen[c.PURL] = c
		}
	}
	parts := make([]component, 0, len(seen))
	for _, c := range seen {
		parts = append(parts, c)
	}
	slices.SortFunc(parts, func(a, b component) int { return cmp.Compare(a.PURL, b.PURL) })
	product := fmt.Sprintf("pkg:generic/%s@%s?os=%s&arch=%s", packaging.Name, t.Version, t.OS, t.Arch)
	text, err := json.MarshalIndent(bill{
		Format: "CycloneDX", Spec: "1.6", Serial: serial(product, t.Commit), Version: 1,
		Metadata: metadata{Timestamp: now.UTC().Format(time.RFC3339),
			Component: component{Type: "application", Ref: product, Name: packaging.Name, Version: t.Version, PURL: product}},
		Components: parts,
	}, "", "  ")
	return append(text, '\n'), err
}

func library(m *debug.Module) component {
	c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
	c.Ref = c.PURL
	// The sum of the module's zip, as in go.sum: a SHA-256 in base64.
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) == sha256.Size {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
	}
	return c
}

// serial returns a UUID that is the same each time for the same release.
func serial(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	sum[6] = sum[6]&0x0f | 0x80 // version 8: a format of our own
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
