package signed

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

// The file of Replays is text, a line for each change, each with the CRC-32C of what stands before
// it:
//
//	tcenvsvr-signed-orders 1 BORN FORGOT PLACE INODE DEVICE CRC
//	started|spent|free ORDER ATTEMPT NOTAFTER RETRYABLE CRC
const headerWord = "tcenvsvr-signed-orders"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("it is damaged")

type header struct {
	place        place.Place
	born, forgot int64
}

func (h header) String() string {
	return sum(fmt.Sprintf("%s 1 %d %d %s %d %d", headerWord, h.born, h.forgot,
		base64.RawURLEncoding.EncodeToString([]byte(h.place.Path)), h.place.Inode, h.place.Device))
}

func parseHeader(s string) (header, error) {
	f := fields(s)
	if begin := strings.Join(f[:min(2, len(f))], " "); f != nil && begin != headerWord+" 1" {
		return header{}, fmt.Errorf("it begins with %.60q, want %q", begin, headerWord+" 1")
	}
	if len(f) != 7 {
		return header{}, errDamaged
	}
	path, e1 := base64.RawURLEncoding.DecodeString(f[4])
	h := header{place: place.Place{Path: string(path)}}
	var e2, e3, e4, e5 error
	h.born, e2 = strconv.ParseInt(f[2], 10, 64)
	h.forgot, e3 = strconv.ParseInt(f[3], 10, 64)
	h.place.Inode, e4 = strconv.ParseUint(f[5], 10, 64)
	h.place.Device, e5 = strconv.ParseUint(f[6], 10, 64)
	if err := errors.Join(e1, e2, e3, e4, e5); err != nil || h.String() != s {
		return header{}, errDamaged
	}
	return h, nil
}

// line is one change: an entry, or that there is none any more.
type line struct {
	entry entry
	free  bool
}

func (l line) String() string {
	state, again := "started", 0
	switch {
	case l.free:
		state = "free"
	case l.entry.spent:
		state = "spent"
	}
	if l.entry.retryable {
		again = 1
	}
	return sum(fmt.Sprintf("%s %s %d %d %d", state, l.entry.order, l.entry.attempt, l.entry.notAfter, again))
}

func parseLine(s string) (line, error) {
	f := fields(s)
	if len(f) != 5 {
		return line{}, errDamaged
	}
	attempt, e1 := strconv.Atoi(f[2])
	notAfter, e2 := strconv.ParseInt(f[3], 10, 64)
	l := line{entry{wire.OrderID(f[1]), wire.Attempt(attempt), notAfter, f[0] == "spent", f[4] == "1"}, f[0] == "free"}
	if e1 != nil || e2 != nil || !l.entry.order.Valid() || l.String() != s {
		return line{}, errDamaged
	}
	return l, nil
}

func sum(s string) string {
	return fmt.Sprintf("%s %08x\n", s, crc32.Checksum([]byte(s), castagnoli))
}

// fields are the words of a line without its checksum, nil if that is wrong.
func fields(s string) []string {
	at := strings.LastIndexByte(s, ' ')
	if at < 0 || sum(s[:at]) != s {
		return nil
	}
	return strings.Split(s[:at], " ")
}
