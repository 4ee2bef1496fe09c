package packaging

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// A Signer signs with a deterministic signature, binary or armored.
type Signer interface {
	Sign(io.Reader) ([]byte, error)
	SignArmored(io.Reader) ([]byte, error)
}

// A Build makes the packages of one version for one architecture.
type Build struct {
	Version string // semantic; 1.2.3-rc.1 sorts before 1.2.3
	Arch    string // Go's name, amd64 or arm64
	Time    time.Time
	Stage   string // folder that Stage and its caller filled
	Signer  Signer // nil = the packages are not signed
}

// RPMName returns the usual name of the rpm file.
func (b *Build) RPMName() string { return rpm.DefaultRPM.ConventionalFileName(b.metadata()) }

// DebName returns the usual name of the deb file.
func (b *Build) DebName() string { return deb.Default.ConventionalFileName(b.metadata()) }

// RPM writes the package for Red Hat Enterprise Linux and its like.
func (b *Build) RPM(w io.Writer) error {
	info, err := b.info(rpmKinds)
	if err != nil {
		return err
	}
	info.Depends, info.Recommends = rpmRelations.requires, rpmRelations.recommends
	info.Description, info.RPM.Summary = Description, Summary
	info.Scripts.PostInstall = b.staged("scripts/postinstall.sh")
	info.RPM.Scripts.PostTrans = b.staged("scripts/posttrans.sh")
	info.RPM.Compression = "xz" // one thread, so the same bytes on every machine
	info.RPM.BuildHost = "reproducible"
	info.RPM.Group = "System Environment/Daemons"
	if b.Signer != nil {
		info.RPM.Signature.SignFn = b.Signer.Sign
	}
	if err := rpm.DefaultRPM.Package(info, w); err != nil {
		return fmt.Errorf("making the rpm for %s: %w", b.Arch, err)
	}
	return nil
}

// Deb writes the package for Debian and Ubuntu. It has dpkg's own list of MD5 sums, by which "dpkg
// -V" finds accidental changes. Nothing relies on that list for security.
func (b *Build) Deb(w io.Writer) error {
	info, err := b.info(debKinds)
	if err != nil {
		return err
	}
	info.Depends, info.Recommends = debRelations.requires, debRelations.recommends
	info.Scripts.PostInstall = b.staged("scripts/postinst")
	info.Section = "net"
	info.Deb.Compression = "gzip" // xz in Go takes seconds for a sixth less
	if b.Signer != nil {
		info.Deb.Signature.SignFn = b.Signer.SignArmored
	}
	if err := deb.Default.Package(info, w); err != nil {
		return fmt.Errorf("making the deb for %s: %w", b.Arch, err)
	}
	return nil
}

// metadata is the description that both kinds of packages have.
func (b *Build) metadata() *nfpm.Info {
	return nfpm.WithDefaults(&nfpm.Info{
		Name: Name, Version: b.Version, Arch: b.Arch, Platform: "linux", Release: "1",
		Maintainer: Maintainer, Vendor: Vendor, Homepage: Homepage, License: License,
		Description: Summary + "\n" + Description, // for dpkg the first line is the summary
		MTime:       b.Time, DisableGlobbing: true,
	})
}

var (
	rpmKinds = map[Kind]string{Dir: files.TypeDir, Link: files.TypeSymlink, Config: files.TypeConfigNoReplace, Doc: files.TypeRPMDoc, Terms: files.TypeRPMLicense}
	debKinds = map[Kind]string{Dir: files.TypeDir, Link: files.TypeSymlink, Config: files.TypeConfigNoReplace}
)

func (b *Build) info(kinds map[Kind]string) (*nfpm.Info, error) {
	entries, err := Files(b.Stage)
	if err != nil {
		return nil, err
	}
	info := b.metadata()
	info.Changelog = b.staged("changelog.yaml")
	info.Scripts = nfpm.Scripts{
		PreInstall: b.staged("scripts/preinstall.sh"),
		PreRemove:  b.staged("scripts/preremove.sh"),
		PostRemove: b.staged("scripts/postremove.sh"),
	}
	for _, f := range entries {
		c := &files.Content{Destination: f.Path, Type: cmp.Or(kinds[f.Kind], files.TypeFile),
			FileInfo: &files.ContentFileInfo{Owner: f.Owner, Group: f.Owner, Mode: f.Mode, MTime: b.Time}}
		switch f.Kind {
		case Dir:
		case Link:
			// Complete: else nfpm would look at the target's path on this machine.
			c.Source, c.FileInfo.Mode, c.FileInfo.Size = f.From, 0o777, int64(len(f.From))
		default:
			c.Source = b.staged(f.From)
			stat, err := os.Stat(c.Source)
			if err != nil {
				return nil, fmt.Errorf("packaging %s: %w", f.Path, err)
			}
			c.FileInfo.Size = stat.Size()
		}
		info.Contents = append(info.Contents, c)
	}
	return info, nil
}

func (b *Build) staged(name string) string {
	return filepath.Join(b.Stage, filepath.FromSlash(name))
}
