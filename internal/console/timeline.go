package console

import (
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
)

// timelineEntry is an entry of a generation's timeline.
type timelineEntry struct {
	At      time.Time
	Title   string
	Text    string
	Kind    string // "good", "bad", ""
	Credits string // what moved, "1.00 reserved"
	// Pictures are samples that the page shows nowhere else: new ones have replaced them.
	Pictures []picture
}

var momentTitles = map[aigen.EventType]timelineEntry{
	aigen.EventCreated:            {Title: "Requested"},
	aigen.EventSamplesStarted:     {Title: "New samples requested"},
	aigen.EventSamplesRetrying:    {Title: "Another try at the samples", Text: "The engine stumbled; it was asked again."},
	aigen.EventSamplesReady:       {Title: "Samples ready", Kind: "good"},
	aigen.EventFinalStarted:       {Title: "Sample chosen, final requested"},
	aigen.EventFinalRetrying:      {Title: "Another try at the final", Text: "The engine stumbled; it was asked again."},
	aigen.EventCompleted:          {Title: "The final is ready", Kind: "good"},
	aigen.EventFailed:             {Title: "Failed", Kind: "bad"},
	aigen.EventRejected:           {Title: "Declined by the engine", Kind: "bad"},
	aigen.EventCancelled:          {Title: "Cancelled"},
	aigen.EventAssetLost:          {Title: "A picture could not be saved", Text: "It can be seen for as long as the engine has it.", Kind: "bad"},
	aigen.EventCreditsRefused:     {Title: "Not enough credits for that step", Kind: "bad"},
	aigen.EventCreditsUnavailable: {Title: "Credits could not be checked", Text: "That step was dropped, and nothing was charged.", Kind: "bad"},
}

// timelineOf tells the story from a generation's events, oldest first.
func (k *Console) timelineOf(g *aigen.Generation, events []aigen.Event) []timelineEntry {
	var all []timelineEntry
	newest := -1 // the entry of the samples that the page shows
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
			if newest >= 0 {
				all[newest].Pictures = k.replacedSamples(g, events[newest])
			}
			newest = len(all)
		}
		if e.Data.Error != nil && e.Type != aigen.EventCancelled {
			m.Text = messageOf(e.Data.Error.Code).Title
		}
		m.Credits = creditsMoved(before, e.Data.Credits)
		before = e.Data.Credits
		all = append(all, m)
	}
	return all
}

// replacedSamples are the pictures of a batch that was replaced by a newer one.
func (k *Console) replacedSamples(g *aigen.Generation, e aigen.Event) []picture {
	var all []picture
	for i, a := range e.Data.SampleAssets {
		if p := k.pictureOf(a, g.Input.Parameters.FinalResolution()); p.URL != "" {
			p.Number = i + 1
			all = append(all, p)
		}
	}
	return all
}

// creditsMoved says what became of credits between two events.
func creditsMoved(before, after aigen.CreditTotals) string {
	for _, step := range []struct {
		amount aigen.Credits
		word   string
	}{
		{after.Deducted - before.Deducted, "spent"},
		{after.Refunded - before.Refunded, "refunded"},
		{after.Reserved - before.Reserved, "reserved"},
	} {
		if step.amount > 0 {
			return step.amount.String() + " " + step.word
		}
	}
	return ""
}
