package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest policy in bytes.
const MaxSize = 256 << 10

// A Document is the file's content, with nothing left to defaults. It is what "policy show" prints.
type Document struct {
	Version    int              `yaml:"version" json:"version"`
	Publishers map[string][]Key `yaml:"publishers,omitempty" json:"publishers,omitempty"`
	Signers    map[string][]Key `yaml:"signers,omitempty" json:"signers,omitempty"`
	Orders     Orders           `yaml:"orders" json:"orders"`
	Rules      []Rule           `yaml:"rules,omitempty" json:"rules"`
}

// A Key is one public key of a publisher or signer. A day is meant with both its ends, in UTC.
type Key struct {
	Key       string `yaml:"key" json:"key"`
	NotBefore string `yaml:"not-before,omitempty" json:"not_before,omitempty"`
	NotAfter  string `yaml:"not-after,omitempty" json:"not_after,omitempty"`
}

// Orders is what every order must fulfil.
type Orders struct {
	Signed           string `yaml:"signed" json:"signed"`
	Signers          List   `yaml:"signers,omitempty,flow" json:"signers,omitempty"`
	SealedParameters string `yaml:"sealed-parameters" json:"sealed_parameters"`
	MaxTimeout       string `yaml:"max-timeout,omitempty" json:"max_timeout,omitempty"`
}

// A Rule allows or denies; one of Allow and Deny is its name.
type Rule struct {
	Allow      string `yaml:"allow,omitempty" json:"allow,omitempty"`
	Deny       string `yaml:"deny,omitempty" json:"deny,omitempty"`
	Apps       List   `yaml:"apps,omitempty,flow" json:"apps,omitempty"`
	Versions   List   `yaml:"versions,omitempty,flow" json:"versions,omitempty"`
	SHA256     List   `yaml:"sha256,omitempty,flow" json:"sha256,omitempty"`
	Publishers List   `yaml:"publishers,omitempty,flow" json:"publishers,omitempty"`
	Runtimes   List   `yaml:"runtimes,omitempty,flow" json:"runtimes,omitempty"`
	MaxTimeout string `yaml:"max-timeout,omitempty" json:"max_timeout,omitempty"`
}

// Name returns the rule's name.
func (r *Rule) Name() string { return r.Allow + r.Deny }

// A List is one text or several.
type List []string

// UnmarshalYAML reads one text or a list of texts.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	*l = nil
	for _, item := range items {
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a text or a list of texts belongs here", item.Line)
		}
		*l = append(*l, item.Value)
	}
	return nil
}

// decode reads a document strictly, and says nothing of what its values mean.
func decode(text []byte) (*Document, error) {
	switch {
	case len(text) > MaxSize:
		return nil, fmt.Errorf("it is longer than %d bytes", MaxSize)
	case !utf8.Valid(text) || bytes.ContainsRune(text, 0) || bytes.HasPrefix(text, []byte("\ufeff")):
		return nil, errors.New("it is not plain UTF-8 text without a byte order mark")
	}
	var tree yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&tree); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty; \"version: 1\" alone denies everything")
	} else if err != nil {
		return nil, plain(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one YAML document in it")
	}
	if err := strict(&tree); err != nil {
		return nil, err
	}
	var doc Document
	d = yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil {
		return nil, plain(err)
	}
	return &doc, nil
}

// strict refuses what YAML has and a reader overlooks. Above all a name without a value: a
// condition that says nothing would match everything.
func strict(n *yaml.Node) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return refuse("anchors and aliases (& and *) are not allowed: write it out, and quote a text that begins so")
	case n.Style&yaml.TaggedStyle != 0:
		return refuse("tags (!) are not allowed: quote a text that begins so")
	case n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!null" || n.Value == ""):
		return refuse("there is no value: write one, or leave the line out")
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0, n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return refuse("the list is empty: leave it out")
	}
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			switch {
			case c.Kind != yaml.ScalarNode || c.ShortTag() == "!!merge":
				return refuse("a plain name belongs before the colon")
			case seen[c.Value]:
				return fmt.Errorf("line %d: %.80q is there twice", c.Line, c.Value)
			}
			seen[c.Value] = true
		}
		if err := strict(c); err != nil {
			return err
		}
	}
	return nil
}

// plain puts the library's words into ours and on one line.
func plain(err error) error {
	text := err.Error()
	if e, ok := errors.AsType[*yaml.TypeError](err); ok {
		text = strings.Join(e.Errors, "; ")
	}
	text = strings.TrimPrefix(text, "yaml: ")
	for _, sign := range []string{"expected comment or line break", "unknown anchor", "alphabetic or numeric"} {
		if strings.Contains(text, sign) {
			text += ": put a text that begins with >, |, & or * between quotes"
		}
	}
	text = strings.ReplaceAll(text, " not found in type policy.", " is unknown in ")
	text = strings.ReplaceAll(text, "into policy.", "into ")
	return errors.New(strings.ReplaceAll(text, "\n", " "))
}
