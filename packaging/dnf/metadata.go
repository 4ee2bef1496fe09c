package dnf

import (
	"encoding/xml"

	rpmutils "github.com/sassoftware/go-rpmutils"
)

type version struct {
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"ver,attr"`
	Release string `xml:"rel,attr"`
}

type relation struct {
	Name    string `xml:"name,attr"`
	Flags   string `xml:"flags,attr,omitempty"`
	Epoch   string `xml:"epoch,attr,omitempty"`
	Version string `xml:"ver,attr,omitempty"`
	Release string `xml:"rel,attr,omitempty"`
}

type relationList struct {
	Entries []relation `xml:"rpm:entry"`
}

type entry struct {
	Type string `xml:"type,attr,omitempty"`
	Path string `xml:",chardata"`
}

type checksum struct {
	Type  string `xml:"type,attr"`
	PkgID string `xml:"pkgid,attr,omitempty"`
	Value string `xml:",chardata"`
}

type primary struct {
	XMLName  xml.Name         `xml:"metadata"`
	NS       string           `xml:"xmlns,attr"`
	RPM      string           `xml:"xmlns:rpm,attr"`
	Count    int              `xml:"packages,attr"`
	Packages []primaryPackage `xml:"package"`
}

type primaryPackage struct {
	Type        string   `xml:"type,attr"`
	Name        string   `xml:"name"`
	Arch        string   `xml:"arch"`
	Version     version  `xml:"version"`
	Checksum    checksum `xml:"checksum"`
	Summary     string   `xml:"summary"`
	Description string   `xml:"description"`
	Packager    string   `xml:"packager"`
	URL         string   `xml:"url"`
	Time        struct {
		File  int64 `xml:"file,attr"`
		Build int64 `xml:"build,attr"`
	} `xml:"time"`
	Size struct {
		Package   int64 `xml:"package,attr"`
		Installed int64 `xml:"installed,attr"`
		Archive   int64 `xml:"archive,attr"`
	} `xml:"size"`
	Location struct {
		Href string `xml:"href,attr"`
	} `xml:"location"`
	Format format `xml:"format"`
}

type format struct {
	License   string `xml:"rpm:license"`
	Vendor    string `xml:"rpm:vendor"`
	Group     string `xml:"rpm:group"`
	BuildHost string `xml:"rpm:buildhost"`
	SourceRPM string `xml:"rpm:sourcerpm"`
	Range     struct {
		Start int `xml:"start,attr"`
		End   int `xml:"end,attr"`
	} `xml:"rpm:header-range"`
	Provides   *relationList `xml:"rpm:provides"`
	Requires   *relationList `xml:"rpm:requires"`
	Conflicts  *relationList `xml:"rpm:conflicts"`
	Obsoletes  *relationList `xml:"rpm:obsoletes"`
	Suggests   *relationList `xml:"rpm:suggests"`
	Recommends *relationList `xml:"rpm:recommends"`
	Files      []entry       `xml:"file"`
}

func newPrimary(rpms []*rpmFile) (*primary, error) {
	doc := &primary{NS: "http://linux.duke.edu/metadata/common", RPM: "http://linux.duke.edu/metadata/rpm", Count: len(rpms)}
	for _, r := range rpms {
		p := primaryPackage{Type: "rpm", Name: r.Name, Arch: r.Arch, Version: version{r.Epoch, r.Version, r.Release},
			Checksum: checksum{"sha256", "YES", r.sha256}, Summary: r.text(rpmutils.SUMMARY), Description: r.text(rpmutils.DESCRIPTION),
			Packager: r.text(rpmutils.PACKAGER), URL: r.text(rpmutils.URL)}
		p.Time.File, p.Time.Build = r.built, r.built
		p.Size.Package = r.size
		var err error
		if p.Size.Installed, err = r.InstalledSize(); err != nil {
			return nil, err
		}
		if p.Size.Archive, err = r.PayloadSize(); err != nil {
			return nil, err
		}
		p.Location.Href = r.name
		p.Format = format{License: r.text(rpmutils.LICENSE), Vendor: r.text(rpmutils.VENDOR), Group: r.text(rpmutils.GROUP),
			BuildHost: r.text(rpmutils.BUILDHOST), SourceRPM: r.text(rpmutils.SOURCERPM), Files: r.listed(true)}
		span := r.GetRange()
		p.Format.Range.Start, p.Format.Range.End = span.Start, span.End
		for _, kind := range []struct {
			into                 **relationList
			name, version, flags int
		}{
			{&p.Format.Provides, rpmutils.PROVIDENAME, rpmutils.PROVIDEVERSION, rpmutils.PROVIDEFLAGS},
			{&p.Format.Requires, rpmutils.REQUIRENAME, rpmutils.REQUIREVERSION, rpmutils.REQUIREFLAGS},
			{&p.Format.Conflicts, rpmutils.CONFLICTNAME, rpmutils.CONFLICTVERSION, rpmutils.CONFLICTFLAGS},
			{&p.Format.Obsoletes, rpmutils.OBSOLETENAME, rpmutils.OBSOLETEVERSION, rpmutils.OBSOLETEFLAGS},
			{&p.Format.Recommends, 5046, 5047, 5048},
			{&p.Format.Suggests, 5049, 5050, 5051},
		} {
			found, err := r.relations(kind.name, kind.version, kind.flags)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				*kind.into = &relationList{found}
			}
		}
		doc.Packages = append(doc.Packages, p)
	}
	return doc, nil
}

// detail is a package in filelists.xml and other.xml.
type detail struct {
	PkgID   string   `xml:"pkgid,attr"`
	Name    string   `xml:"name,attr"`
	Arch    string   `xml:"arch,attr"`
	Version version  `xml:"version"`
	Files   []entry  `xml:"file"`
	Changes []change `xml:"changelog"`
}

type change struct {
	Author string `xml:"author,attr"`
	Date   uint32 `xml:"date,attr"`
	Text   string `xml:",chardata"`
}

type details struct {
	XMLName  xml.Name
	NS       string   `xml:"xmlns,attr"`
	Count    int      `xml:"packages,attr"`
	Packages []detail `xml:"package"`
}

func newDetails(kind, namespace string, rpms []*rpmFile, add func(*rpmFile, *detail)) *details {
	doc := &details{XMLName: xml.Name{Local: kind}, NS: "http://linux.duke.edu/metadata/" + namespace, Count: len(rpms)}
	for _, r := range rpms {
		d := detail{PkgID: r.sha256, Name: r.Name, Arch: r.Arch, Version: version{r.Epoch, r.Version, r.Release}}
		add(r, &d)
		doc.Packages = append(doc.Packages, d)
	}
	return doc
}

func addFiles(r *rpmFile, d *detail) { d.Files = r.listed(false) }

// addChanges adds the last ten changes, oldest first, as createrepo_c does.
func addChanges(r *rpmFile, d *detail) {
	times, err := r.GetUint32s(rpmutils.CHANGELOGTIME)
	if err != nil { // a package need not have any
		return
	}
	names, err := r.GetStrings(rpmutils.CHANGELOGNAME)
	if err != nil || len(names) != len(times) {
		return
	}
	texts, err := r.GetStrings(rpmutils.CHANGELOGTEXT)
	if err != nil || len(texts) != len(times) {
		return
	}
	for i := min(len(times), 10) - 1; i >= 0; i-- {
		d.Changes = append(d.Changes, change{names[i], times[i], texts[i]})
	}
}
