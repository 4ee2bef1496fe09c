package signed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"tcenvsvr/agent/link/wire"
)

// The headers keep signatures and digests of orders apart from whatever else is signed with the
// same key, and from later versions of themselves.
const (
	orderHeader = "tcenvsvr signed order v1\n"
	mapHeader   = "tcenvsvr signed map v1\n"
)

// Field is a row of Coverage.
type Field struct {
	Name   string // of the field of wire.Order, with that of the struct that it is in
	Signed bool
	Why    string
}

// Coverage says of each field of a [wire.Order] whether the signature covers it. A test fails where
// wire.Order has a field that is not here.
func Coverage() []Field {
	return []Field{
		{"Ref.Order", true, "a signature is for one order; by this name it is known whether that has run"},
		{"Ref.Attempt", false, "the cloud raises it when a retryable order was interrupted; Replays tells that from running again"},
		{"Runtime", true, "it selects how the App is launched"},
		{"App.Name", true, "what runs"},
		{"App.Version", true, "what runs, as the operator read it"},
		{"App.Size", true, "it belongs to the digest"},
		{"App.SHA256", true, "what runs, byte by byte"},
		{"Params", true, "the App's inputs; by their digest, since they may come later, and sealed where they are sealed"},
		{"ParamsByHTTPS", false, "how parameters travel; what arrives has the signed digest either way"},
		{"Token", false, "the cloud makes one for each delivery, and it is good at the cloud only"},
		{"TokenTTLMS", false, "it belongs to the token"},
		{"KVContext", true, "which of the cloud's variables a Playbook App reads and writes"},
		{"OutVariables", true, "what the App is asked for"},
		{"Defaults", true, "the App cannot tell them from its inputs: an unsigned one could set what the operator left out"},
		{"Service.ID", true, "which service of the cloud's the App is"},
		{"Service.Name", true, "as its id, as the operator read it"},
		{"TimeoutMS", true, "for how long it runs"},
		{"StartWithinMS", false, "what is left of it at delivery, so it differs for each attempt; the signed not-after bounds the start"},
		{"Priority", true, "the agent orders what waits by it"},
		{"Retryable", true, "whether it may run again"},
		{"Limits.MemoryMB", true, "too little memory would fail what the operator wants to run; the host's own limit holds anyway"},
		{"Limits.Tasks", true, "as memory"},
		{"Limits.CPUWeight", true, "as memory"},
		{"Signature", false, "it is the signature itself"},
	}
}

// canonical are the bytes that are signed. The parameters' digest is the signature's, and compared
// with the parameters apart.
func canonical(o *wire.Order, s *Signature) []byte {
	b := []byte(orderHeader)
	b = append(b, s.KeyID[:]...)
	b = number(b, s.MadeAt)
	b = number(b, s.NotAfter)
	b = text(b, s.Environment)
	b = text(b, string(o.Order))
	b = text(b, string(o.Runtime))
	b = text(b, o.App.Name)
	b = text(b, o.App.Version)
	b = number(b, o.App.Size)
	b = text(b, string(o.App.SHA256))
	b = append(b, s.Params[:]...)
	b = text(b, o.KVContext)
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.OutVariables)))
	for _, v := range o.OutVariables {
		b = text(b, v)
	}
	defaults := digest(o.Defaults)
	b = append(b, defaults[:]...)
	b = number(b, o.TimeoutMS)
	b = number(b, int64(o.Priority))
	retryable := byte(0)
	if o.Retryable {
		retryable = 1
	}
	b = append(b, retryable)
	b = number(b, o.Limits.MemoryMB)
	b = number(b, o.Limits.Tasks)
	b = number(b, o.Limits.CPUWeight)
	if s := o.Service; s != nil {
		b = text(number(b, s.ID), s.Name)
	}
	return b
}

// digest is that of a map whose names are sorted by their bytes. None and an empty one are the
// same, as they are for an App.
func digest(m map[string]string) [sha256.Size]byte {
	b := binary.BigEndian.AppendUint32([]byte(mapHeader), uint32(len(m)))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b = text(text(b, name), m[name])
	}
	return sha256.Sum256(b)
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func number(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

// portable reports the first text that would be another one after its way as JSON.
func portable(o *wire.Order) error {
	check := func(field string, s string) error {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%s is not UTF-8; signed orders are texts", field)
		}
		return nil
	}
	serviceName := ""
	if o.Service != nil {
		serviceName = o.Service.Name
	}
	for field, s := range map[string]string{"the App's name": o.App.Name, "the App's version": o.App.Version, "the key-value context": o.KVContext, "the service's name": serviceName} {
		if err := check(field, s); err != nil {
			return err
		}
	}
	for _, v := range o.OutVariables {
		if err := check("an output variable", v); err != nil {
			return err
		}
	}
	for what, m := range map[string]map[string]string{"parameter": o.Params, "default": o.Defaults} {
		for name, value := range m {
			if err := check(fmt.Sprintf("the name of %s %.80q", what, name), name); err != nil {
				return err
			}
			if err := check(fmt.Sprintf("the value of %s %.80q", what, name), value); err != nil {
				return err
			}
		}
	}
	return nil
}
