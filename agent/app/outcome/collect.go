package outcome

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/logging/plain"
)

// Bounds of what is collected; a result must fit into one message of the link.
const (
	MaxMessage    = 255      // characters
	maxResultsTC  = 1 << 20  // bytes read of results.tc
	maxResultsSum = 24 << 10 // bytes of names and values kept
)

// Collected is what the App wrote into its files.
type Collected struct {
	Message string            // ≤ MaxMessage characters; "" when the App wrote none
	Results map[string]string // of results.tc; declared parameters only
}

// Collect reads message.tc and results.tc. Together with an error, which says what could not be
// read, it returns what could.
func Collect(jobDir string, m tcx.Manifest) (Collected, error) {
	root, err := os.OpenRoot(jobDir)
	if err != nil {
		return Collected{}, fmt.Errorf("reading the App's outcome: %w", err)
	}
	defer root.Close()
	var c Collected
	var errs []error
	if data, all, err := readTail(root, "out/message.tc", MaxMessage*utf8.UTFMax+2); err != nil {
		errs = append(errs, fmt.Errorf("reading the App's message: %w", err))
	} else {
		c.Message = message(data, all)
	}
	data, all, err := readTail(root, "out/results.tc", maxResultsTC)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("reading the App's results: %w", err))
	case !all:
		errs = append(errs, fmt.Errorf("reading the App's results: results.tc has more than %d bytes", maxResultsTC))
	default:
		c.Results, err = results(data, m)
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// message returns the last 255 characters without the newline that frameworks put at the end. data
// may begin within a character.
func message(data []byte, all bool) string {
	if !all {
		for i := 0; i < utf8.UTFMax && len(data) > 0 && !utf8.RuneStart(data[0]); i++ {
			data = data[1:]
		}
	}
	return plain.TailRunes(strings.TrimRight(string(data), "\r\n"), MaxMessage)
}

// results reads "name = value" lines; "name =" is a value of nothing, and old Apps write
// "param.name". What is not declared in the manifest is dropped in silence, as the platform does;
// the last line of a name counts.
func results(data []byte, m tcx.Manifest) (map[string]string, error) {
	declared := make(map[string]bool, len(m.Params))
	for _, p := range m.Params {
		declared[p.Name] = true
	}
	got := make(map[string]string)
	sum := 0
	for line := range strings.Lines(strings.ToValidUTF8(string(data), "\uFFFD")) {
		line = strings.TrimRight(line, "\r\n")
		name, value, found := strings.Cut(line, " = ")
		if !found {
			name, found = strings.CutSuffix(line, " =")
		}
		if !declared[name] {
			name = strings.TrimPrefix(name, "param.")
		}
		if !found || !declared[name] {
			continue
		}
		if old, ok := got[name]; ok {
			sum -= len(name) + len(old)
		}
		if sum += len(name) + len(value); sum > maxResultsSum {
			return nil, fmt.Errorf("reading the App's results: more than %d bytes of names and values", maxResultsSum)
		}
		got[name] = value
	}
	if len(got) == 0 {
		return nil, nil
	}
	return got, nil
}
