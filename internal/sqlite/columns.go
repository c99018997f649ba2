package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// How values of the domain are written to columns and read back. Zero ids and
// times are NULL.

func idArg(id aigen.ID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

func timeArg(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// orNull is NULL for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// column reads one value of a row; it implements sql.Scanner.
type column func(src any) error

// Scan implements sql.Scanner.
func (c column) Scan(src any) error { return c(src) }

func idColumn(dst *aigen.ID) column {
	return func(src any) error {
		switch v := src.(type) {
		case nil:
			*dst = aigen.ID{}
			return nil
		case []byte:
			if len(v) == len(dst) {
				copy(dst[:], v)
				return nil
			}
		}
		return fmt.Errorf("not an id: %T", src)
	}
}

func timeColumn(dst *time.Time) column {
	return func(src any) error {
		switch v := src.(type) {
		case nil:
			*dst = time.Time{}
			return nil
		case int64:
			*dst = time.UnixMicro(v).UTC()
			return nil
		}
		return fmt.Errorf("not a time: %T", src)
	}
}

// jsonColumn leaves dst as it is if the column is NULL.
func jsonColumn(dst any) column {
	return func(src any) error {
		text, err := textOf(src)
		if err != nil || text == nil {
			return err
		}
		return json.Unmarshal(text, dst)
	}
}

func resolutionColumn(dst *aigen.Resolution) column {
	return func(src any) error {
		text, err := textOf(src)
		if err != nil {
			return err
		}
		return dst.UnmarshalText(text)
	}
}

func parametersColumn(dst *aigen.Parameters) column {
	return func(src any) error {
		text, err := textOf(src)
		if err != nil {
			return err
		}
		return dst.UnmarshalJSON(text)
	}
}

func optionsColumn(dst *aigen.Options) column {
	return func(src any) error {
		text, err := textOf(src)
		if err != nil {
			return err
		}
		return rowjson.ReadOptions(text, dst)
	}
}

// textColumn reads NULL as "".
func textColumn(dst *string) column {
	return func(src any) error {
		text, err := textOf(src)
		*dst = string(text)
		return err
	}
}

func hashColumn(dst *[32]byte) column {
	return func(src any) error {
		if b, ok := src.([]byte); ok && len(b) == len(dst) {
			copy(dst[:], b)
			return nil
		}
		return fmt.Errorf("not a hash: %T", src)
	}
}

// textOf returns nil for NULL.
func textOf(src any) ([]byte, error) {
	switch v := src.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return nil, fmt.Errorf("not a text: %T", src)
}
