package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
)

// maxFile bounds the file in bytes.
const maxFile = 64 << 10

// record is what the file holds.
type record struct {
	ServerXID wire.ServerXID `json:"server_xid"` // another identity may be another cloud's
	Setting   []string       `json:"setting"`    // that was the cloud's own; empty: none was yet
	Brokers   []string       `json:"brokers"`    // that the cloud named last
}

// Directory is safe for concurrent use.
type Directory struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	setting []string // in force
	known   record
	minute  time.Time // of the changes that are counted
	changes int
}

// changesPerMinute bounds what a cloud can have written and logged here.
const changesPerMinute = 6

// Status is for people.
type Status struct {
	Named []string `json:"named"` // by the cloud
	Used  bool     `json:"used"`  // false: brokerHost was set on this host, and names others
}

// Open reads the file. One that cannot be used is as none: the next session fills it again.
func Open(file string, xid wire.ServerXID, setting []string, log *slog.Logger) *Directory {
	d := &Directory{file: file, log: log, setting: sorted(setting), known: record{ServerXID: xid}}
	r, err := read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		log.Warn("the brokers that the cloud named are forgotten until it names them again", "err", err)
	case r.ServerXID == xid:
		d.known = r
	}
	return d
}

func read(file string) (record, error) {
	info, err := os.Stat(file)
	if err != nil {
		return record{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return record{}, fmt.Errorf("reading %q: it is no file of at most %d bytes", file, maxFile)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return record{}, err
	}
	r, err := decode(data)
	if err != nil {
		return record{}, fmt.Errorf("reading %q: %w", file, err)
	}
	return r, nil
}

// decode ignores fields that it does not know: a newer version may have written them.
func decode(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, err
	}
	for _, list := range [][]string{r.Setting, r.Brokers} {
		if err := valid(list); err != nil {
			return record{}, err
		}
	}
	r.Setting, r.Brokers = sorted(r.Setting), sorted(r.Brokers)
	return r, nil
}

// valid reports what is wrong with addresses that others wrote.
func valid(brokers []string) error {
	if len(brokers) > wire.MaxBrokers {
		return fmt.Errorf("%d brokers, at most %d are possible", len(brokers), wire.MaxBrokers)
	}
	for _, b := range brokers {
		host, port, err := net.SplitHostPort(b)
		n, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || n == 0 || host == "" || len(host) > 253 || strings.Trim(host, hostLetters) != "" {
			return fmt.Errorf("broker %.80q is not host:port", b)
		}
	}
	return nil
}

// hostLetters are those of names and addresses, with an IPv6 zone.
const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%"

// sorted returns the addresses in order, each once, so that equal lists are equal.
func sorted(brokers []string) []string {
	all := make([]string, 0, len(brokers))
	for _, b := range brokers {
		all = append(all, strings.ToLower(b))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Set tells that the setting has changed.
func (d *Directory) Set(setting []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setting = sorted(setting)
}

// Learn takes in what the cloud names; nothing is no news. It is on the disk before it counts.
func (d *Directory) Learn(brokers []string) {
	if len(brokers) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next := record{ServerXID: d.known.ServerXID, Setting: d.known.Setting, Brokers: sorted(brokers)}
	if len(next.Setting) == 0 && contains(next.Brokers, d.setting) || slices.Equal(next.Brokers, d.setting) {
		next.Setting = d.setting
	}
	if slices.Equal(next.Brokers, d.known.Brokers) && slices.Equal(next.Setting, d.known.Setting) {
		return
	}
	if now := time.Now(); now.Sub(d.minute) >= time.Minute {
		d.minute, d.changes = now, 0
	}
	if d.changes++; d.changes > changesPerMinute {
		return // the next session tells what is then
	}
	data, err := json.Marshal(next)
	if invalid := valid(brokers); invalid != nil {
		err = invalid
	}
	if err == nil {
		err = atomicfile.WriteFile(d.file, data, 0o600)
	}
	if err != nil {
		d.log.Warn("the brokers that the cloud names are not kept", "err", err)
		return
	}
	d.known = next
	d.log.Info("the cloud named its brokers", "brokers", strings.Join(next.Brokers, ","), "used", d.used())
}

// contains reports whether all of some are in list.
func contains(list, some []string) bool {
	return !slices.ContainsFunc(some, func(b string) bool { return !slices.Contains(list, b) })
}

// used reports whether the setting is the cloud's own.
func (d *Directory) used() bool {
	return len(d.known.Setting) > 0 && slices.Equal(d.known.Setting, d.setting)
}

// Brokers returns those that are to be tried beside those of the setting.
func (d *Directory) Brokers() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.used() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.known.Brokers), func(b string) bool { return slices.Contains(d.setting, b) })
}

// Status returns what the cloud named, nil if it named nothing.
func (d *Directory) Status() *Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known.Brokers) == 0 {
		return nil
	}
	return &Status{Named: slices.Clone(d.known.Brokers), Used: d.used()}
}
