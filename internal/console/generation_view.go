package console

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// generationView is a generation as the pages show it.
type generationView struct {
	ID        aigen.ID
	ProjectID aigen.ID
	Version   int64
	Prompt    string
	Style     string
	Format    aigen.Format
	Name      string // of the format
	Final     aigen.Resolution
	Ratio     string
	Shape     shape
	Count     int // samples asked for

	Status  aigen.Status
	State   state
	Working bool // a job runs: progress is shown
	Ended   bool
	Stage   aigen.Stage
	Attempt int

	Samples  []picture
	Selected *picture
	Picture  *picture // the final; nil where the engine told its id alone
	FinalID  string
	File     string // what it is saved as
	Slots    []int  // for the samples that are being made

	Failure *failure
	Model   string
	Credits aigen.CreditTotals
	Created time.Time
	Cursor  string // its place in a list
	Updated time.Time
	Since   time.Time
	Pending bool // a step was asked for and its credits are not decided

	Moments []timelineEntry
}

// state is a status in words.
type state struct {
	Words string
	Kind  string // class of its pill: "good", "bad", "warn", "busy", ""
}

var states = map[aigen.Status]state{
	aigen.StatusPending:           {"Reserving credits", "busy"},
	aigen.StatusProcessingSamples: {"Making samples", "busy"},
	aigen.StatusAwaitingSelection: {"Waiting for a choice", "warn"},
	aigen.StatusProcessingFinal:   {"Making the final", "busy"},
	aigen.StatusCompleted:         {"Completed", "good"},
	aigen.StatusFailed:            {"Failed", "bad"},
	aigen.StatusCancelled:         {"Cancelled", ""},
	aigen.StatusContentRejected:   {"Declined", "bad"},
}

// failure is why a generation ended without a picture.
type failure struct {
	message
	Code   aigen.Code
	Engine string // what the engine itself said, where that adds something
	Calm   bool   // nothing went wrong: the person, or time, ended it
}

func failureOf(f *aigen.Failure) *failure {
	if f == nil {
		return nil
	}
	v := &failure{message: messageOf(f.Code), Code: f.Code, Calm: f.Code == aigen.CodeCancelled || f.Code == aigen.CodeSelectionExpired}
	if _, known := messages[f.Code]; !known || f.Code == aigen.CodeContentRejected || f.Code == aigen.CodeGenerationFailed {
		v.Engine = f.Message
	}
	return v
}

// viewOf shows g. What costs another look into the store is not in it.
func (k *Console) viewOf(g *aigen.Generation) generationView {
	in := g.Input.Parameters
	c := generationView{
		ID: g.ID, ProjectID: g.ProjectID, Version: g.Version, Prompt: g.Input.Prompt, Style: g.Input.StyleGuidance,
		Format: in.Format, Name: formatName(in.Format), Final: in.FinalResolution(), Count: in.Samples,
		Status: g.Status, State: states[g.Status], Ended: g.Status.Ended(), Stage: g.Stage(), Attempt: g.Attempt(),
		FinalID: g.FinalAssetID, Failure: failureOf(g.Failure), Model: g.AIModelUsed, Credits: g.Totals(),
		Created: g.CreatedAt, Cursor: cursorAt(g).String(), Updated: g.UpdatedAt, Since: g.StatusSince,
	}
	c.Working = g.Status == aigen.StatusPending || g.Status == aigen.StatusProcessingSamples || g.Status == aigen.StatusProcessingFinal
	c.askedFor(g)
	c.Ratio, c.Shape = ratioClass(c.Final.Width, c.Final.Height), shapeOf(c.Final)
	for i, a := range g.Samples {
		p := k.pictureOf(a, c.Final)
		p.Number, p.Selected = i+1, a.AssetID == g.SelectedSampleID
		c.Samples = append(c.Samples, p)
		if p.Selected {
			c.Selected = &c.Samples[i]
		}
	}
	if g.FinalAsset != nil {
		p := k.pictureOf(*g.FinalAsset, c.Final)
		c.Picture, c.File = &p, fileName(c.Prompt, p.Format)
	}
	for i := range c.Count {
		c.Slots = append(c.Slots, i+1)
	}
	return c
}

// askedFor takes what the newest run adds: another size of the final, or that its
// credits are not decided.
func (c *generationView) askedFor(g *aigen.Generation) {
	for i := range g.Runs {
		r := &g.Runs[i]
		if r.Stage == aigen.StageFinal && len(r.Jobs) > 0 {
			c.Final = r.Resolution
		}
		if r.Reservation == aigen.ReservationPending {
			c.Pending = true
		}
	}
}

// Thumb is the picture that stands for the whole in a list: a small one.
func (c generationView) Thumb() *picture {
	switch {
	case c.Selected != nil:
		return c.Selected
	case len(c.Samples) > 0:
		return &c.Samples[0]
	}
	return c.Picture
}

// Choosing reports whether a sample can be chosen.
func (c generationView) Choosing() bool { return c.Status == aigen.StatusAwaitingSelection }

// cursorAt is the place of g in a list.
func cursorAt(g *aigen.Generation) app.Cursor { return app.Cursor{CreatedAt: g.CreatedAt, ID: g.ID} }

// LongPrompt reports whether the prompt would push the pictures off the screen as a
// heading: then the page shows its beginning, and the rest on demand.
func (c generationView) LongPrompt() bool {
	return utf8.RuneCountInString(c.Prompt) > 140 || strings.Count(c.Prompt, "\n") > 2
}

// PageTitle names the page's tab: its state first, since tabs are narrow.
func (c generationView) PageTitle() string { return c.State.Words + " · " + c.Heading() }

// Heading is the prompt, shortened.
func (c generationView) Heading() string {
	const longest = 60
	text := []rune(c.Prompt)
	if len(text) <= longest {
		return c.Prompt
	}
	return string(text[:longest]) + "…"
}
