package console

import (
	"strconv"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// moment is an entry of a generation's timeline.
type moment struct {
	At      time.Time
	Title   string
	Text    string
	Kind    string // "good", "bad", ""
	Credits string // what moved, "1.00 reserved"
}

var momentTitles = map[aigen.EventType]moment{
	aigen.EventCreated:            {Title: "Asked for"},
	aigen.EventSamplesStarted:     {Title: "New samples ordered"},
	aigen.EventSamplesRetrying:    {Title: "Another try at the samples", Text: "The engine stumbled; it was asked again."},
	aigen.EventSamplesReady:       {Title: "Samples ready", Kind: "good"},
	aigen.EventFinalStarted:       {Title: "Sample chosen, the final ordered"},
	aigen.EventFinalRetrying:      {Title: "Another try at the final", Text: "The engine stumbled; it was asked again."},
	aigen.EventCompleted:          {Title: "The final is ready", Kind: "good"},
	aigen.EventFailed:             {Title: "Failed", Kind: "bad"},
	aigen.EventRejected:           {Title: "Declined by the engine", Kind: "bad"},
	aigen.EventCancelled:          {Title: "Cancelled"},
	aigen.EventCreditsRefused:     {Title: "Not enough credits for that step", Kind: "bad"},
	aigen.EventCreditsUnavailable: {Title: "Credits could not be checked", Text: "That step was dropped, and nothing was charged.", Kind: "bad"},
}

// momentsOf tells the story from a generation's events, oldest first.
func momentsOf(events []aigen.Event) []moment {
	var all []moment
	var before aigen.CreditTotals
	for _, e := range events {
		m, ok := momentTitles[e.Type]
		if !ok {
			m.Title = string(e.Type)
		}
		m.At = e.At
		if n := len(e.Data.SampleAssets); e.Type == aigen.EventSamplesReady && n > 0 {
			m.Title = strconv.Itoa(n) + " samples ready"
			if n == 1 {
				m.Title = "One sample ready"
			}
		}
		if e.Data.Error != nil && e.Type != aigen.EventCancelled {
			m.Text = wordsOf(e.Data.Error.Code).Title
		}
		m.Credits = moved(before, e.Data.Credits)
		before = e.Data.Credits
		all = append(all, m)
	}
	return all
}

// moved says what became of credits between two events.
func moved(before, after aigen.CreditTotals) string {
	for _, step := range []struct {
		amount aigen.Credits
		word   string
	}{
		{after.Deducted - before.Deducted, "spent"},
		{after.Refunded - before.Refunded, "given back"},
		{after.Reserved - before.Reserved, "reserved"},
	} {
		if step.amount > 0 {
			return step.amount.String() + " " + step.word
		}
	}
	return ""
}
