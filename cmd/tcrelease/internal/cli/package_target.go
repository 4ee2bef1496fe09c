package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tcrelease/internal/compile"
	"tcenvsvr/packaging"
)

// packTarget builds one target in stage and writes its packages.
func (r *release) packTarget(ctx context.Context, t compile.Target, documents, stage string) ([]string, error) {
	if err := r.fillStage(ctx, t, documents, stage); err != nil {
		return nil, err
	}
	b := &packaging.Build{Version: r.version, Arch: t.Arch, Time: r.at, Stage: stage}
	if r.key != nil {
		b.Signer = r.key
	}
	base := fmt.Sprintf("%s_%s_%s_%s", packaging.Name, r.version, t.OS, t.Arch)
	type output struct {
		name  string
		write func(io.Writer) error
	}
	outputs := []output{{base + ".cdx.json", func(w io.Writer) error {
		text, err := compile.SBOM(t, stage, r.at)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}}}
	if t.OS == "windows" {
		outputs = append(outputs, output{base + ".zip", b.Zip})
	} else {
		outputs = append(outputs, output{b.RPMName(), b.RPM}, output{b.DebName(), b.Deb}, output{base + ".tar.gz", b.Tar})
	}
	var made []string
	for _, o := range outputs {
		if !r.wants(o.name) {
			continue
		}
		file := filepath.Join(r.out, o.name)
		if err := atomicfile.Write(file, 0o644, o.write); err != nil {
			return made, err
		}
		made = append(made, file)
	}
	return made, nil
}

// wants reports whether a file is of a kind that was asked for. SBOMs always are.
func (r *release) wants(name string) bool {
	return len(r.only) == 0 || strings.HasSuffix(name, ".cdx.json") ||
		slices.ContainsFunc(r.only, func(kind string) bool { return strings.HasSuffix(name, "."+kind) })
}

// fillStage makes the stage of a target: programs, documents, description.
func (r *release) fillStage(ctx context.Context, t compile.Target, documents, stage string) error {
	if err := packaging.Stage(stage); err != nil {
		return err
	}
	if t == r.built {
		if err := os.CopyFS(stage, os.DirFS(filepath.Join(documents, "programs"))); err != nil {
			return fmt.Errorf("staging programs: %w", err)
		}
	} else if err := compile.Programs(ctx, t, stage); err != nil {
		return err
	}
	for _, name := range []string{"man", "completions"} {
		if err := os.CopyFS(filepath.Join(stage, name), os.DirFS(filepath.Join(documents, name))); err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
	}
	if err := packaging.StageDocuments(r.source, stage); err != nil {
		return err
	}
	for name, file := range map[string]string{
		"LICENSE":   filepath.Join(r.source, "LICENSE"),
		"root.json": r.root,
	} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(stage, name), text, 0o644); err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
	}
	return nil
}

// writeSums writes SHA256SUMS of the files and its signature.
func (r *release) writeSums(files []string) ([]string, error) {
	slices.Sort(files)
	var sums bytes.Buffer
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), filepath.Base(file))
	}
	list := filepath.Join(r.out, "SHA256SUMS")
	if r.key == nil {
		return []string{list}, atomicfile.WriteFile(list, sums.Bytes(), 0o644)
	}
	signature, err := r.key.SignArmored(bytes.NewReader(sums.Bytes()))
	if err != nil {
		return nil, err
	}
	public, err := r.key.Public()
	if err != nil {
		return nil, err
	}
	made := []string{list, list + ".asc", filepath.Join(r.out, "RPM-GPG-KEY-"+packaging.Name)}
	for i, text := range [][]byte{sums.Bytes(), signature, public} {
		if err := atomicfile.WriteFile(made[i], text, 0o644); err != nil {
			return nil, err
		}
	}
	return made, nil
}
