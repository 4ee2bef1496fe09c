package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// mostRows and mostBytes bound a segment before it is compressed: it has to fit in one message
	// (1 MiB) even where nothing can be compressed.
	mostRows  = 1000
	mostBytes = 900 << 10
	// mostOpened bounds what reading a segment may take, whatever it says of itself.
	mostOpened = 4 << 20
)

// row is one execution in a segment.
type row struct {
	record.Place
	data []byte // as record.Record.Encode
}

func (r row) size() int { return len(r.data) + len(r.ID) + 16 }

// execution decodes the row.
func (r row) execution() (*record.Record, error) {
	rec, err := record.Decode(r.data)
	if err != nil {
		return nil, err
	}
	if rec.Place() != r.Place || !rec.Terminal() {
		return nil, fmt.Errorf("%w: row %s is another one", errSegment, r.Place)
	}
	return rec, nil
}

var errSegment = errors.New("damaged segment of ended executions")

// encode returns the stored form of rows that are in order.
func encode(rows []row) ([]byte, error) {
	var plain []byte
	for _, r := range rows {
		plain = binary.AppendUvarint(plain, uint64(r.Created))
		plain = binary.AppendUvarint(plain, uint64(len(r.ID)))
		plain = append(plain, r.ID...)
		plain = binary.AppendUvarint(plain, uint64(len(r.data)))
		plain = append(plain, r.data...)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	data := w.EncodeAll(plain, nil)
	return data, w.Close()
}

// decode reads the stored form. It fails for rows that are not in order.
func decode(stored []byte) ([]row, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostOpened))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	plain, err := d.DecodeAll(stored, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSegment, err)
	}
	var rows []row
	for len(plain) > 0 {
		created, n := binary.Uvarint(plain)
		if n <= 0 || created > 1<<62 {
			return nil, errSegment
		}
		id, rest, ok := field(plain[n:])
		if !ok {
			return nil, errSegment
		}
		data, rest, ok := field(rest)
		r := row{record.Place{Created: int64(created), ID: wire.OrderID(id)}, data}
		if !ok || !r.ID.Valid() || len(rows) > 0 && rows[len(rows)-1].Compare(r.Place) >= 0 {
			return nil, errSegment
		}
		rows, plain = append(rows, r), rest
	}
	return rows, nil
}

// field reads a length and so many bytes.
func field(b []byte) (value, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

// merge returns the rows of both, in order. A row that is in both stays as it was.
func merge(old, added []row) []row {
	all := slices.Concat(old, added)
	slices.SortStableFunc(all, func(a, b row) int { return a.Compare(b.Place) })
	return slices.CompactFunc(all, func(a, b row) bool { return a.Place == b.Place })
}

// divide cuts rows into parts that are small enough, about equal ones.
func divide(rows []row) [][]row {
	size := 0
	for _, r := range rows {
		size += r.size()
	}
	parts := max(1, (len(rows)+mostRows-1)/mostRows, (size+mostBytes-1)/mostBytes)
	share := (size + parts - 1) / parts
	most := (len(rows) + parts - 1) / parts
	var all [][]row
	begin, in := 0, 0
	for i, r := range rows {
		if i > begin && (in+r.size() > mostBytes || i-begin >= mostRows || in >= share || i-begin >= most && in+r.size() > share) {
			all, begin, in = append(all, rows[begin:i]), i, 0
		}
		in += r.size()
	}
	return append(all, rows[begin:])
}
