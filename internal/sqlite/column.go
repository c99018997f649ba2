package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
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
		return readParameters(dst, text)
	}
}

// readParameters reads an object that was accepted once. ParseParameters fills in
// the number of samples after it has checked the size, so that an object close to
// the bound comes back over it; what was filled in is taken out again first.
func readParameters(dst *aigen.Parameters, text []byte) error {
	if len(text) > aigen.MaxParametersSize {
		filled := fmt.Sprintf(`{"samples":%d,`, aigen.DefaultSamples)
		if rest, ok := strings.CutPrefix(string(text), filled); ok {
			text = []byte("{" + rest)
		}
	}
	return dst.UnmarshalJSON(text)
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
