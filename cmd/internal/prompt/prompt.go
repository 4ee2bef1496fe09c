package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxLine bounds an answer.
const maxLine = 8192

// Prompt asks on Out and reads from In.
type Prompt struct {
	In  io.Reader
	Out io.Writer
}

// Terminal opens the terminal of this process, whatever its standard input is.
func Terminal() (p Prompt, close func(), err error) {
	t, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return Prompt{}, nil, fmt.Errorf("asking on the terminal: %w", err)
	}
	return Prompt{In: t, Out: t}, func() { _ = t.Close() }, nil
}

// OnTerminal reports whether the answers come from a terminal.
func (p Prompt) OnTerminal() bool {
	_, ok := p.terminal()
	return ok
}

// Size is that of the terminal the answers come from, 0 where that is not known.
func (p Prompt) Size() (columns, rows int) {
	if fd, ok := p.terminal(); ok {
		columns, rows, _ = term.GetSize(fd) // zeros with an error
	}
	return columns, rows
}

func (p Prompt) terminal() (fd int, ok bool) {
	f, isFile := p.In.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// Line asks a question and returns the answer without its line break. The error is [io.EOF] if the
// input has ended.
func (p Prompt) Line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(p.Out, question)
	return p.await(ctx, func() (string, error) { return readLine(p.In) })
}

// Secret is [Prompt.Line] without echo. If the input is no terminal, it is Line.
func (p Prompt) Secret(ctx context.Context, question string) (string, error) {
	fd, ok := p.terminal()
	if !ok {
		return p.Line(ctx, question)
	}
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking without echo: %w", err)
	}
	defer func() { _ = term.Restore(fd, before) }()
	fmt.Fprint(p.Out, question)
	answer, err := p.await(ctx, func() (string, error) {
		text, err := term.ReadPassword(fd)
		return string(text), err
	})
	fmt.Fprintln(p.Out)
	return answer, err
}

// await lets ctx end a read. The read itself stays until the process ends, which is what an
// interrupted command does.
func (p Prompt) await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return a.text, a.err
	case <-ctx.Done():
		fmt.Fprintln(p.Out)
		return "", context.Cause(ctx)
	}
}

func readLine(in io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		n, err := in.Read(b)
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, b[0])
		case errors.Is(err, io.EOF) && len(line) > 0: // the last line of a file
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return "", fmt.Errorf("reading an answer: it is longer than %d bytes", maxLine)
}
