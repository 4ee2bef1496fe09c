package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// kind is how a hash is computed.
type kind string

const (
	argon2id     kind = "argon2id"
	pbkdf2sha256 kind = "pbkdf2-sha256"
)

// What a stored hash may ask for at most. More would be an attack by whoever can write to the store.
const (
	maxMemoryKiB  = 64 << 10
	maxPasses     = 8
	maxLanes      = 4
	maxIterations = 2_000_000
	maxBytes      = 64 // of salt and hash
	maxText       = 256
)

// hash is a stored password.
type hash struct {
	kind       kind
	memory     uint32 // KiB
	passes     uint32
	lanes      uint8
	iterations int
	salt, sum  []byte
}

// size is how many bytes are computed.
func (s *hash) size() int {
	if len(s.sum) > 0 {
		return len(s.sum)
	}
	return hashBytes
}

var encoding = base64.RawStdEncoding.Strict()

// String is what is stored.
func (s *hash) String() string {
	head := fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$", s.kind, s.memory, s.passes, s.lanes)
	if s.kind == pbkdf2sha256 {
		head = fmt.Sprintf("$%s$i=%d$", s.kind, s.iterations)
	}
	return head + encoding.EncodeToString(s.salt) + "$" + encoding.EncodeToString(s.sum)
}

// parse reads what String wrote. Its errors wrap ErrStored.
func parse(text string) (*hash, error) {
	bad := func(what string) (*hash, error) { return nil, fmt.Errorf("%w: %s", ErrStored, what) }
	parts := strings.Split(text, "$")
	if len(text) > maxText || len(parts) < 5 || parts[0] != "" {
		return bad("it is no hash")
	}
	s := &hash{kind: kind(parts[1])}
	switch {
	case s.kind == argon2id && len(parts) == 6 && parts[2] == "v=19":
		if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &s.memory, &s.passes, &s.lanes); n != 3 || err != nil {
			return bad("its parameters are no numbers")
		}
		if s.lanes < 1 || s.lanes > maxLanes || s.passes < 1 || s.passes > maxPasses || s.memory < 8*uint32(s.lanes) || s.memory > maxMemoryKiB {
			return bad("its check would cost more, or less, than is allowed")
		}
	case s.kind == pbkdf2sha256 && len(parts) == 5:
		if n, err := fmt.Sscanf(parts[2], "i=%d", &s.iterations); n != 1 || err != nil {
			return bad("its parameters are no numbers")
		}
		if s.iterations < 1000 || s.iterations > maxIterations {
			return bad("its check would cost more, or less, than is allowed")
		}
	default:
		return bad("it is of an unknown kind")
	}
	for i, to := range []*[]byte{&s.salt, &s.sum} {
		b, err := encoding.DecodeString(parts[len(parts)-2+i])
		if err != nil || len(b) < saltBytes || len(b) > maxBytes {
			return bad("its salt or its sum is damaged")
		}
		*to = b
	}
	if s.String() != text { // one way to write each
		return bad("it is written in another way")
	}
	return s, nil
}
