package record

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"tcenvsvr/agent/link/wire"
)

// Place is where an execution is among all, which never changes: by when it was created, and by its
// id where two were created in one millisecond.
type Place struct {
	Created int64 // in milliseconds since 1970
	ID      wire.OrderID
}

// Place is the execution's.
func (e *Execution) Place() Place { return Place{max(0, e.Created.UnixMilli()), e.ID} }

// Compare orders places, the oldest first.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Created, q.Created), cmp.Compare(p.ID, q.ID))
}

// IsZero reports whether p is no place.
func (p Place) IsZero() bool { return p == Place{} }

// errPlace is for a text that String has not made.
var errPlace = errors.New("not a place among executions")

// String is p in one word, which may be a key of the store: the order of words is that of places.
func (p Place) String() string {
	ms := strconv.FormatInt(p.Created, 10)
	return strings.Repeat("0", max(0, placeDigits-len(ms))) + ms + "." + string(p.ID)
}

// placeDigits hold milliseconds until the year 2286.
const placeDigits = 13

// ParsePlace reads what String has made.
func ParsePlace(s string) (Place, error) {
	ms, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(ms, 10, 64)
	p := Place{n, wire.OrderID(id)}
	if err != nil || n < 0 || !p.ID.Valid() || p.String() != s {
		return Place{}, errPlace
	}
	return p, nil
}
