package app

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// encode writes what json.Marshal would. Every request that is accepted makes a job, and
// json.Marshal takes several times as long for it.
func (j *Job) encode() ([]byte, error) {
	parameters, err := j.InputParameters.MarshalJSON()
	if err != nil {
		return nil, err
	}
	const rest = 512 // names, ids and what is short
	b := make([]byte, 0, rest+len(j.InputPrompt)+len(j.StyleGuidance)+len(parameters))
	b = j.JobID.AppendTo(append(b, `{"jobId":"`...))
	b = j.RunID.AppendTo(append(b, `","runId":"`...))
	b = appendText(append(b, `","jobType":`...), string(j.JobType))
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(j.Attempt), 10)
	b = j.GenerationID.AppendTo(append(b, `,"generationId":"`...))
	b = j.UserID.AppendTo(append(b, `","userId":"`...))
	b = j.ProjectID.AppendTo(append(b, `","projectId":"`...))
	b = appendText(append(b, `","inputPrompt":`...), j.InputPrompt)
	b = appendText(append(b, `,"styleGuidance":`...), j.StyleGuidance)
	if b, err = appendObject(append(b, `,"inputParameters":`...), parameters); err != nil {
		return nil, err
	}
	b = append(b, `,"selectedSample":`...)
	if j.SelectedSample == nil {
		b = append(b, "null"...)
	} else if b, err = appendValue(b, j.SelectedSample); err != nil {
		return nil, err
	}
	if j.Resolution != "" {
		b = appendText(append(b, `,"resolution":`...), j.Resolution)
	}
	if b, err = j.Deadline.AppendText(append(b, `,"deadline":"`...)); err != nil {
		return nil, err
	}
	b = append(b, '"')
	if j.Callback != nil {
		if b, err = appendValue(append(b, `,"callback":`...), j.Callback); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// lineSeparators is how U+2028 and U+2029 begin in UTF-8. json.Marshal escapes them:
// they end a line in JavaScript.
const lineSeparators = 0xe2

// appendText appends a string as json.Marshal writes it. Most texts have nothing to
// escape.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == lineSeparators {
			return appendEscaped(b, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	text, _ := json.Marshal(s) //nolint:errchkjson // a string: cannot fail
	return append(b, text...)
}

// appendObject appends compact JSON as json.Marshal does, which escapes <, > and &.
func appendObject(b, object []byte) ([]byte, error) {
	if bytes.ContainsAny(object, "<>&") || bytes.IndexByte(object, lineSeparators) >= 0 {
		return appendValue(b, json.RawMessage(object))
	}
	return append(b, object...), nil
}

// appendValue appends what is seldom there.
func appendValue(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}
