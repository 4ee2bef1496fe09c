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
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
	"tcenvsvr/cmd/tcenvsvr/internal/doctor"
)

// Write makes the archive in file, which must not exist, for its owner
// alone. It returns the names of what is in it. What cannot be had is told in the
// archive instead: a bundle is wanted when things do not work.
func Write(ctx context.Context, file string, c doctor.Config) (names []string, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the support bundle: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file)
		}
	}()
	s, settingsErr := doctor.Settings(ctx, c)
	b := &bundle{redact: NewRedactor(secrets(s)...), now: time.Now(), root: "threatconnect-envsvr-support"}
	z := gzip.NewWriter(f)
	b.out = tar.NewWriter(z)

	b.json("version.json", map[string]string{"version": c.Version, "made": b.now.UTC().Format(time.RFC3339)})
	report := doctor.Report{Version: c.Version, Findings: doctor.Run(ctx, c)}
	report.OK = doctor.Sound(report.Findings)
	b.json("doctor.json", report)
	b.text("doctor.txt", report.String())
	var status daemon.Status
	b.answer("status.json", control.Call(ctx, c.Paths.Control, "GET", "status", nil, &status), func() any { return status })
	b.answer("settings.json", settingsErr, func() any { return shown(s) })
	b.logs(ctx, c.Paths)
	b.text("state.txt", listing(c.Paths.Home))

	err = errors.Join(b.err, b.out.Close(), z.Close(), f.Sync(), f.Close())
	if err != nil {
		return nil, fmt.Errorf("writing the support bundle %q: %w", file, err)
	}
	return b.names, nil
}

// secrets are those that the settings hold; sealed ones are not known.
func secrets(s settings.Settings) []string {
	all := []string{s.AppDeliveryToken.Reveal(), s.BrokerToken.Reveal(), s.KeystorePassword.Reveal(), s.ProxyPassword.Reveal()}
	if u := s.ProxyURL(); u != nil && u.User != nil {
		all = append(all, u.User.String())
	}
	return all
}

// shown are the settings as "settings show" has them.
func shown(s settings.Settings) map[string]string {
	all := map[string]string{}
	for _, row := range settings.All {
		all[row.Name] = s.Text(row.Name)
	}
	return all
}

// bundle is an archive in the making; the first error ends it.
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

// answer is what was asked for, or why it could not be had.
func (b *bundle) answer(name string, err error, v func() any) {
	if err != nil {
		b.text(name+".error", err.Error()+"\n")
		return
	}
	b.json(name, v())
}
