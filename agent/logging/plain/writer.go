package plain

import "io"

// Writer passes on the plain text of what is written to it, as Text returns it. A character may
// come in two writes.
type Writer struct {
	to   io.Writer
	held []byte // the end of the last write: half a character, or a carriage return
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// Write implements io.Writer. It fails where the writer below does.
func (w *Writer) Write(b []byte) (int, error) {
	clean, rest := appendText(make([]byte, 0, len(w.held)+len(b)), append(w.held, b...))
	w.held = append([]byte(nil), rest...)
	if _, err := w.to.Write(clean); err != nil {
		return 0, err
	}
	return len(b), nil
}
