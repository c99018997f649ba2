package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// watchLines writes a line for each event, for pipes and logs.
type watchLines struct{ out, err io.Writer }

func (v *watchLines) event(e client.Event) error {
	parts := []string{
		e.At.UTC().Format(time.RFC3339), e.Data.GenerationID.String(), printable(string(e.Type)), printable(string(e.Data.Status)),
	}
	if s := remarkOf(e); s != "" {
		parts = append(parts, s)
	}
	_, err := fmt.Fprintln(v.out, strings.Join(parts, " "))
	return err
}

// remarkOf is what an event tells beyond its type.
func remarkOf(e client.Event) string {
	var s string
	switch {
	case e.Data.Progress != nil:
		s = fmt.Sprintf("%d%%", *e.Data.Progress)
	case e.Type == aigen.EventSamplesReady:
		s = count(len(e.Data.SampleAssets), "sample")
	case e.Data.FinalAsset != nil:
		s = e.Data.FinalAsset.URL
	case e.Data.Attempt > 1:
		s = fmt.Sprintf("try %d", e.Data.Attempt)
	}
	if e.Data.Error != nil {
		s = strings.TrimSpace(s + " " + string(e.Data.Error.Code) + ": " + e.Data.Error.Message)
	}
	return printable(s)
}

// link tells of an outage on standard error, which a pipe leaves to the person.
func (v *watchLines) link(l client.Link) {
	if l.Down != nil {
		_, _ = fmt.Fprintln(v.err, "no connection, trying again:", printable(l.Down.Error())) // nobody to tell if it fails
	}
}

func (*watchLines) known([]client.Generation) {}
func (*watchLines) wants() bool               { return false }
func (*watchLines) tick()                     {}
func (*watchLines) close()                    {}

// watchJSON writes each event as it came, one a line.
type watchJSON struct{ out io.Writer }

func (v *watchJSON) event(e client.Event) error {
	return writeJSON(v.out, e.Raw, "") // which brings it onto one line
}

func (*watchJSON) link(client.Link)          {}
func (*watchJSON) known([]client.Generation) {}
func (*watchJSON) wants() bool               { return false }
func (*watchJSON) tick()                     {}
func (*watchJSON) close()                    {}
