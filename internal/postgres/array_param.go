package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/creativeflow/aigen"
)

// A list is one column of many rows: an array as the argument of a statement, which
// unnest turns into rows again. It is encoded from the rows as they are. pgx can
// encode any slice, but by reflection and with each value in an interface, which for
// the thousands of values of a batch cost more than all else on our side.
type arrayParam struct {
	n      int
	size   func() int                   // of the binary form, about
	null   func(i int) bool             // whether the i-th value is NULL
	binary func(b []byte, i int) []byte // appends it
	text   func(b []byte, i int) []byte // likewise
}

// uuids is a uuid[]; a zero id is NULL.
func uuids[R any](rows []R, value func(R) aigen.ID) *arrayParam {
	return &arrayParam{
		n: len(rows), size: fixed(len(rows), 16),
		null: func(i int) bool { return value(rows[i]).IsZero() },
		binary: func(b []byte, i int) []byte {
			id := value(rows[i])
			return append(b, id[:]...)
		},
		text: func(b []byte, i int) []byte { return append(b, value(rows[i]).String()...) },
	}
}

// ids is a uuid[] of ids.
func ids(l []aigen.ID) *arrayParam { return uuids(l, func(id aigen.ID) aigen.ID { return id }) }

// texts is a text[] or a json[] without NULL.
func texts[R any](rows []R, value func(R) string) *arrayParam {
	l := optional(rows, value)
	l.null = func(int) bool { return false }
	return l
}

// optional is a text[] or a json[]; an empty value is NULL.
func optional[R any, V string | []byte](rows []R, value func(R) V) *arrayParam {
	write := func(b []byte, i int) []byte { return append(b, value(rows[i])...) }
	return &arrayParam{
		n: len(rows),
		size: func() (n int) {
			for _, r := range rows {
				n += 4 + len(value(r))
			}
			return n
		},
		null:   func(i int) bool { return len(value(rows[i])) == 0 },
		binary: write, text: write,
	}
}

// none is NULL among integers, where it has no other use.
const none = math.MinInt64

// integers is a bigint[]; none is NULL.
func integers[R any](rows []R, value func(R) int64) *arrayParam {
	return &arrayParam{
		n: len(rows), size: fixed(len(rows), 8),
		null: func(i int) bool { return value(rows[i]) == none },
		binary: func(b []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(value(rows[i]))) //nolint:gosec // G115: two's complement is the format
		},
		text: func(b []byte, i int) []byte { return strconv.AppendInt(b, value(rows[i]), 10) },
	}
}

// year2000 is where PostgreSQL counts its microseconds from.
const year2000 = 946684800 * 1_000_000

// times is a timestamptz[]; a zero time is NULL.
func times[R any](rows []R, value func(R) time.Time) *arrayParam {
	return &arrayParam{
		n: len(rows), size: fixed(len(rows), 8),
		null: func(i int) bool { return value(rows[i]).IsZero() },
		binary: func(b []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(value(rows[i]).UnixMicro()-year2000)) //nolint:gosec // G115: likewise
		},
		text: func(b []byte, i int) []byte {
			return value(rows[i]).UTC().AppendFormat(b, "2006-01-02 15:04:05.999999Z07:00")
		},
	}
}

// hashes is a bytea[] without NULL.
func hashes[R any](rows []R, value func(R) [32]byte) *arrayParam {
	return &arrayParam{
		n: len(rows), size: fixed(len(rows), 32),
		null: func(int) bool { return false },
		binary: func(b []byte, i int) []byte {
			h := value(rows[i])
			return append(b, h[:]...)
		},
		text: func(b []byte, i int) []byte { return fmt.Appendf(b, `\x%x`, value(rows[i])) },
	}
}

func fixed(n, size int) func() int { return func() int { return n * (4 + size) } }

// TextValue implements pgtype.TextValuer: the text form of the array. Every value is
// quoted, so that none is taken for a part of the array.
func (l *arrayParam) TextValue() (pgtype.Text, error) {
	b := []byte{'{'}
	var value []byte
	for i := range l.n {
		if i > 0 {
			b = append(b, ',')
		}
		if l.null(i) {
			b = append(b, "NULL"...)
			continue
		}
		value = l.text(value[:0], i)
		b = append(b, '"')
		for _, c := range value {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
		b = append(b, '"')
	}
	return pgtype.Text{String: string(append(b, '}')), Valid: true}, nil
}

// listCodec is pgx's codec of an array type that also knows lists.
type listCodec struct{ *pgtype.ArrayCodec }

// PreferredFormat implements pgtype.Codec.
func (listCodec) PreferredFormat() int16 { return pgtype.BinaryFormatCode }

// PlanEncode implements pgtype.Codec.
func (c listCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*arrayParam); ok && format == pgtype.BinaryFormatCode {
		return binaryArray{element: c.ElementType.OID}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// binaryArray writes the binary form of a list (array_recv in PostgreSQL's source).
type binaryArray struct{ element uint32 }

// Encode implements pgtype.EncodePlan.
func (p binaryArray) Encode(value any, b []byte) ([]byte, error) {
	l, ok := value.(*arrayParam)
	if !ok {
		return nil, fmt.Errorf("not a list: %T", value)
	}
	if l.n == 0 {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // no dimension, no NULL
		return binary.BigEndian.AppendUint32(b, p.element), nil
	}
	const header = 20
	b = slices.Grow(b, header+l.size())
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1) // one dimension, perhaps NULL
	b = binary.BigEndian.AppendUint32(b, p.element)
	b = binary.BigEndian.AppendUint32(b, uint32(l.n)) //nolint:gosec // G115: a batch is small
	b = append(b, 0, 0, 0, 1)                         // the first index
	for i := range l.n {
		if l.null(i) {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(b)
		b = l.binary(append(b, 0, 0, 0, 0), i)
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // G115: PostgreSQL takes no value over 1 GB
	}
	return b, nil
}

// registerLists teaches a connection to send lists.
func registerLists(m *pgtype.Map) error {
	for _, oid := range []uint32{
		pgtype.UUIDArrayOID, pgtype.TextArrayOID, pgtype.JSONArrayOID, pgtype.Int8ArrayOID, pgtype.TimestamptzArrayOID, pgtype.ByteaArrayOID,
	} {
		t, ok := m.TypeForOID(oid)
		if !ok {
			return fmt.Errorf("pgx does not know the type %d", oid)
		}
		codec, ok := t.Codec.(*pgtype.ArrayCodec)
		if !ok {
			return fmt.Errorf("pgx has another codec for %s: %T", t.Name, t.Codec)
		}
		m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: listCodec{codec}})
	}
	return nil
}
