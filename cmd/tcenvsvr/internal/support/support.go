package support

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/cmd/tcenvsvr/internal/doctor"
)

// Host is the part of the bundle that only root can see in full.
type Host struct {
	doctor.Host
	journal string
}

// CheckHost gathers the part that touches none of the agent's files. Root calls it as root.
func CheckHost(ctx context.Context, c doctor.Config) Host {
	return Host{doctor.CheckHost(ctx, c), systemJournal(ctx)}
}

// Write writes the archive to f, a new file, closes f, and returns the names of the files in the
// archive. For a part that cannot be read the archive has the reason instead: people need a bundle
// when things do not work. After an error f is empty.
func Write(ctx context.Context, f *os.File, c doctor.Config, h Host) (names []string, err error) {
	defer func() {
		if err != nil {
			_ = f.Truncate(0)
			_ = f.Close()
		}
	}()
	s, settingsErr := doctor.Settings(ctx, c)
	b := &bundle{redact: NewRedactor(secrets(s)...), now: time.Now(), root: "threatconnect-envsvr-support"}
	z := gzip.NewWriter(f)
	b.out = tar.NewWriter(z)

	b.json("version.json", map[string]string{"version": c.Version, "made": b.now.UTC().Format(time.RFC3339)})
	report := doctor.Report{Version: c.Version, Findings: doctor.Run(ctx, c, h.Host)}
	report.OK = doctor.Sound(report.Findings)
	b.json("doctor.json", report)
	b.text("doctor.txt", report.String())
	var status controlapi.Status
	b.answer("status.json", control.Call(ctx, c.Paths.Control, "GET", "status", nil, &status), func() any { return status })
	b.answer("settings.json", settingsErr, func() any { return shown(s) })
	b.logs(c.Paths)
	if h.journal != "" {
		b.text("logs/journal.txt", h.journal)
	}
	b.text("state.txt", listing(c.Paths.Home))

	if err = errors.Join(b.err, b.out.Close(), z.Close(), f.Sync()); err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("writing the support bundle %q: %w", f.Name(), err)
	}
	return b.names, nil
}

// secrets are those in the settings, except for sealed ones, which are not known.
func secrets(s settings.Settings) []string {
	all := []string{s.AppDeliveryToken.Reveal(), s.BrokerToken.Reveal(), s.KeystorePassword.Reveal(), s.ProxyPassword.Reveal()}
	if u := s.ProxyURL(); u != nil && u.User != nil {
		all = append(all, u.User.String())
	}
	return all
}

// shown are the settings as "tcenvsvr settings show" prints them.
func shown(s settings.Settings) map[string]string {
	all := map[string]string{}
	for _, row := range settings.All {
		all[row.Name] = s.Text(row.Name)
	}
	return all
}

// bundle is an archive that is being written. After the first error it writes nothing more.
type bundle struct {
	out    *tar.Writer
	redact Redactor
	now    time.Time
	root   string
	names  []string
	err    error
}

func (b *bundle) text(name, text string) {
	if b.err != nil {
		return
	}
	data := []byte(b.redact.Redact(text))
	b.err = b.out.WriteHeader(&tar.Header{Name: path.Join(b.root, name), Mode: 0o600, Size: int64(len(data)), ModTime: b.now})
	if b.err == nil {
		_, b.err = b.out.Write(data)
	}
	b.names = append(b.names, name)
}

func (b *bundle) json(name string, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		data = []byte(err.Error())
	}
	b.text(name, string(data)+"\n")
}

// answer adds a part, or the reason why it could not be read.
func (b *bundle) answer(name string, err error, v func() any) {
	if err != nil {
		b.text(name+".error", err.Error()+"\n")
		return
	}
	b.json(name, v())
}
