package postgres

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// How values of the domain are written to columns and read back. Zero ids and
// times are NULL. Arguments and columns work in PostgreSQL's binary and text forms:
// without prepared statements pgx sends and gets text.

// idArg is an id as the argument of a query; zero is NULL.
type idArg aigen.ID

// UUIDValue implements pgtype.UUIDValuer, for the binary form.
func (a idArg) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: a, Valid: !aigen.ID(a).IsZero()}, nil
}

// TextValue implements pgtype.TextValuer, for the text form.
func (a idArg) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: aigen.ID(a).String(), Valid: !aigen.ID(a).IsZero()}, nil
}

// jsonArg writes v as JSON. Unlike json.Marshal it leaves <, > and & alone: what
// passes through must come out as it went in, and not grow either.
func jsonArg(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// textArg makes a text of ours (an error, say) one that PostgreSQL takes: it refuses
// NUL and what is no UTF-8, as a message has that was cut in the middle of a letter.
func textArg(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
}

type idColumn aigen.ID

// ScanUUID implements pgtype.UUIDScanner.
func (c *idColumn) ScanUUID(v pgtype.UUID) error {
	*c = idColumn{}
	if v.Valid {
		*c = v.Bytes
	}
	return nil
}

type timeColumn time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (c *timeColumn) ScanTimestamptz(v pgtype.Timestamptz) error {
	*c = timeColumn{}
	if v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("not a time: %s", v.InfinityModifier)
	}
	if v.Valid {
		*c = timeColumn(v.Time.UTC())
	}
	return nil
}

// column reads one text, json or bytea; nil is NULL. The bytes are the driver's and
// must not be kept.
type column func(text []byte) error

// ScanBytes implements pgtype.BytesScanner.
func (c column) ScanBytes(text []byte) error { return c(text) }

// jsonColumn leaves dst as it is if the column is NULL.
func jsonColumn(dst any) column {
	return func(text []byte) error {
		if text == nil {
			return nil
		}
		return json.Unmarshal(text, dst)
	}
}

func parametersColumn(dst *aigen.Parameters) column {
	return func(text []byte) error { return dst.UnmarshalJSON(bytes.Clone(text)) }
}

func payloadColumn(dst *[]byte) column {
	return func(text []byte) error {
		*dst = bytes.Clone(text)
		return nil
	}
}

// resolutionColumn reads a text, which is never NULL.
type resolutionColumn aigen.Resolution

// ScanText implements pgtype.TextScanner.
func (c *resolutionColumn) ScanText(v pgtype.Text) error {
	return (*aigen.Resolution)(c).UnmarshalText([]byte(v.String))
}

// A list is a column of many rows: one array as the argument of a statement, which
// unnest turns into rows. pgx encodes any slice, but by reflection and one value in
// an interface at a time, which for the thousands of values of a batch cost as much
// as all else on our side.
type list interface {
	len() int
	// null reports whether the i-th value is NULL; else binary and text append it.
	null(i int) bool
	binary(b []byte, i int) []byte
	text(b []byte, i int) []byte
}

type (
	ids       []aigen.ID  // uuid[]
	texts     []string    // text[], never NULL
	documents []string    // json[], "" is NULL
	numbers   []int64     // bigint[], null is NULL
	times     []time.Time // timestamptz[]
	hashes    [][32]byte  // bytea[], never NULL
)

// null is NULL among numbers, which has no other use.
const null = math.MinInt64

func (l ids) len() int                      { return len(l) }
func (l ids) null(i int) bool               { return l[i].IsZero() }
func (l ids) binary(b []byte, i int) []byte { return append(b, l[i][:]...) }
func (l ids) text(b []byte, i int) []byte   { return append(b, l[i].String()...) }

func (l texts) len() int                      { return len(l) }
func (l texts) null(int) bool                 { return false }
func (l texts) binary(b []byte, i int) []byte { return append(b, l[i]...) }
func (l texts) text(b []byte, i int) []byte   { return append(b, l[i]...) }

func (l documents) len() int                      { return len(l) }
func (l documents) null(i int) bool               { return l[i] == "" }
func (l documents) binary(b []byte, i int) []byte { return append(b, l[i]...) }
func (l documents) text(b []byte, i int) []byte   { return append(b, l[i]...) }

func (l numbers) len() int        { return len(l) }
func (l numbers) null(i int) bool { return l[i] == null }
func (l numbers) binary(b []byte, i int) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(l[i])) //nolint:gosec // G115: two's complement is the format
}
func (l numbers) text(b []byte, i int) []byte { return strconv.AppendInt(b, l[i], 10) }

// year2000 is where PostgreSQL counts its microseconds from.
const year2000 = 946684800 * 1_000_000

func (l times) len() int        { return len(l) }
func (l times) null(i int) bool { return l[i].IsZero() }
func (l times) binary(b []byte, i int) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(l[i].UnixMicro()-year2000)) //nolint:gosec // G115: likewise
}
func (l times) text(b []byte, i int) []byte {
	return l[i].UTC().AppendFormat(b, "2006-01-02 15:04:05.999999Z07:00")
}

func (l hashes) len() int                      { return len(l) }
func (l hashes) null(int) bool                 { return false }
func (l hashes) binary(b []byte, i int) []byte { return append(b, l[i][:]...) }
func (l hashes) text(b []byte, i int) []byte   { return fmt.Appendf(b, `\x%x`, l[i][:]) }

// TextValue implements pgtype.TextValuer: the text form of the array.
func (l ids) TextValue() (pgtype.Text, error) { return textArray(l) }

// TextValue implements pgtype.TextValuer.
func (l texts) TextValue() (pgtype.Text, error) { return textArray(l) }

// TextValue implements pgtype.TextValuer.
func (l documents) TextValue() (pgtype.Text, error) { return textArray(l) }

// TextValue implements pgtype.TextValuer.
func (l numbers) TextValue() (pgtype.Text, error) { return textArray(l) }

// TextValue implements pgtype.TextValuer.
func (l times) TextValue() (pgtype.Text, error) { return textArray(l) }

// TextValue implements pgtype.TextValuer.
func (l hashes) TextValue() (pgtype.Text, error) { return textArray(l) }

// textArray quotes every value, so that none is taken for a part of the array.
func textArray(l list) (pgtype.Text, error) {
	b := []byte{'{'}
	var value []byte
	for i := range l.len() {
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
	if _, ok := value.(list); ok && format == pgtype.BinaryFormatCode {
		return binaryArray{element: c.ElementType.OID}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// binaryArray writes the binary form of a list (array_recv in PostgreSQL's source).
type binaryArray struct{ element uint32 }

// Encode implements pgtype.EncodePlan.
func (p binaryArray) Encode(value any, b []byte) ([]byte, error) {
	l, ok := value.(list)
	if !ok {
		return nil, fmt.Errorf("not a list: %T", value)
	}
	n := l.len()
	if n == 0 {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // no dimension, no NULL
		return binary.BigEndian.AppendUint32(b, p.element), nil
	}
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1) // one dimension, perhaps NULL
	b = binary.BigEndian.AppendUint32(b, p.element)
	b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // G115: a batch is small
	b = append(b, 0, 0, 0, 1)                       // the first index
	for i := range n {
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
