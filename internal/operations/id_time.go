package operations

import (
	"encoding/binary"
	"time"

	"github.com/creativeflow/aigen"
)

// The ids that the service makes are UUIDs of version 7: they begin with the
// milliseconds since 1970 (RFC 9562, section 5.7). So an id tells when it was made,
// and an index on ids is one on time.

// idSlack is how far the time within an id may lie from the time written beside it:
// the two are read from the clock one after the other, and clocks are set.
const idSlack = time.Minute

// TimeOfID is when an id was made, to the millisecond; false for an id of another
// version, which does not say.
func TimeOfID(id aigen.ID) (time.Time, bool) {
	if id[6]>>4 != 7 {
		return time.Time{}, false
	}
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC(), true //nolint:gosec // G115: 48 bits
}

// IDsBetween returns bounds, low <= id < high, of the ids of rows that were created in
// [from, to). A zero time gives a bound that excludes nothing. They are a little wide:
// the exact times have to be compared too.
func IDsBetween(from, to time.Time) (low, high aigen.ID) {
	for i := range high {
		high[i] = 0xff
	}
	if !from.IsZero() {
		low = firstID(from.Add(-idSlack))
	}
	if !to.IsZero() {
		high = firstID(to.Add(idSlack))
	}
	return low, high
}

// firstID sorts before every id of version 7 that is made at t or later.
func firstID(t time.Time) (id aigen.ID) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	return id
}
