package main

import (
	"fmt"
	"image"
	"io"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// generateView shows a generation on its way. Writing to it is for log lines.
type generateView interface {
	io.Writer
	note(text string) // a remark in passing
	begin(a client.Accepted)
	event(e client.Event)
	drawsPictures() bool
	pictures(all []image.Image)                  // of the samples; nil for one that cannot be had
	offer(samples []aigen.Asset, where []string) // what there is to choose from
	ask(question string)
	again(n int) // the answer was none of those
	endLine()    // the question was left unanswered
	close()
}

func newGenerateView(o *generateOptions, term terminal) generateView {
	switch {
	case o.json:
		return &jsonView{out: rawOf(term.out), err: term.err}
	case o.quiet:
		return &questions{err: term.err}
	case term.canRedraw():
		return newLiveView(o, term)
	default:
		return &plainView{questions: questions{err: term.err}}
	}
}

// generateResult is the last line of --json.
type generateResult struct {
	Type             string              `json:"type"` // "result"
	GenerationID     string              `json:"generationId,omitempty"`
	Status           aigen.Status        `json:"status,omitempty"`
	File             string              `json:"file,omitempty"`
	Bytes            int64               `json:"bytes,omitempty"`
	Width            int                 `json:"width,omitempty"`
	Height           int                 `json:"height,omitempty"`
	Format           string              `json:"format,omitempty"`
	Samples          []string            `json:"samples,omitempty"` // files of --save-samples
	SelectedSampleID string              `json:"selectedSampleId,omitempty"`
	Credits          *aigen.CreditTotals `json:"credits,omitempty"`
	Seconds          float64             `json:"seconds"`
	Error            *aigen.Failure      `json:"error,omitempty"`
	ExitCode         int                 `json:"exitCode"`
}

// tell says how it ended, on standard output; err is for main to say and returned.
func (r *generateRun) tell(err error) error {
	took := time.Since(r.began)
	var werr error
	switch {
	case r.o.json:
		r.result.Type, r.result.Seconds, r.result.ExitCode = "result", took.Seconds(), exitCodeOf(err)
		if err != nil && r.result.Error == nil {
			r.result.Error = failureOf(err)
		}
		werr = writeJSON(rawOf(r.term.out), r.result, "")
	case err != nil:
	case r.o.out == "-":
		if !r.o.quiet {
			_, werr = fmt.Fprintln(r.term.err, "wrote the picture"+r.summary(took))
		}
	case r.o.quiet:
		_, werr = fmt.Fprintln(r.term.out, r.result.File)
	default:
		_, werr = fmt.Fprintln(r.term.out, "saved "+r.result.File+r.summary(took))
	}
	if err != nil {
		return err
	}
	return werr
}

func (r *generateRun) summary(took time.Duration) string {
	s := " (" + byteCount(r.result.Bytes)
	if r.result.Width > 0 {
		s = fmt.Sprintf(" (%dx%d %s, %s", r.result.Width, r.result.Height, r.result.Format, byteCount(r.result.Bytes))
	}
	s += ") in " + took.Round(100*time.Millisecond).String()
	if r.result.Credits != nil {
		s += "; " + r.result.Credits.Deducted.String() + " credits spent"
	}
	return s
}

func byteCount(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

// jsonView prints events as they came, one a line, and asks nothing.
type jsonView struct{ out, err io.Writer }

func (v *jsonView) Write(p []byte) (int, error) { return v.err.Write(p) }

func (v *jsonView) event(e client.Event) {
	_ = writeJSON(v.out, e.Raw, "") // a reader that is gone shows when the result is written
}

func (*jsonView) note(string)                   {}
func (*jsonView) begin(client.Accepted)         {}
func (*jsonView) drawsPictures() bool           { return false }
func (*jsonView) pictures([]image.Image)        {}
func (*jsonView) again(int)                     {}
func (*jsonView) offer([]aigen.Asset, []string) {}
func (*jsonView) ask(string)                    {}
func (*jsonView) endLine()                      {}
func (*jsonView) close()                        {}
