package postgres

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/rowjson"
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
	return func(text []byte) error { return dst.UnmarshalJSON(text) } // which keeps a copy
}

func payloadColumn(dst *[]byte) column {
	return func(text []byte) error {
		*dst = bytes.Clone(text)
		return nil
	}
}

func optionsColumn(dst *aigen.Options) column {
	return func(text []byte) error { return rowjson.ReadOptions(text, dst) }
}

// textColumn reads NULL as "".
func textColumn(dst *string) column {
	return func(text []byte) error {
		*dst = string(text)
		return nil
	}
}

func hashColumn(dst *[32]byte) column {
	return func(b []byte) error {
		if len(b) != len(dst) {
			return fmt.Errorf("not a hash: %d bytes", len(b))
		}
		copy(dst[:], b)
		return nil
	}
}

// resolutionColumn reads a text, which is never NULL.
type resolutionColumn aigen.Resolution

// ScanText implements pgtype.TextScanner.
func (c *resolutionColumn) ScanText(v pgtype.Text) error {
	return (*aigen.Resolution)(c).UnmarshalText([]byte(v.String))
}
