package console

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// operatorFunctions are for the templates of the pages for operators.
func operatorFunctions() template.FuncMap {
	return template.FuncMap{
		"statusKind":   statusKind,
		"statusName":   statusName,
		"eventName":    eventName,
		"kindName":     kindName,
		"took":         took,
		"number":       number,
		"clock":        func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
		"minute":       func(t time.Time) string { return t.UTC().Format("15:04") + " UTC" },
		"day":          func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"code":         func(c aigen.Code) string { return string(c) },
		"zero":         func(id aigen.ID) bool { return id.IsZero() },
		"title":        title,
		"droppable":    droppable,
		"deadHint":     deadHint,
		"by":           operatorName,
		"actionName":   actionName,
		"movementName": func(k ledger.Kind) string { return movementNames[k] },
		"brief":        brief,
		"leased":       func(d outbox.Delivery) bool { return d.Leased },
		"creditKind": func(k outbox.DeliveryKind) bool {
			return k.Queue() == outbox.QueueCredits && k != outbox.DeliverReserve
		},
	}
}

// statusKind is the look of a status's pill.
func statusKind(s aigen.Status) string { return states[s].Kind }

// statusName is the word of the user's pages: both speak of the same states.
func statusName(s aigen.Status) string {
	if st, ok := states[s]; ok {
		return st.Words
	}
	return string(s)
}

var eventNames = map[aigen.EventType]string{
	aigen.EventCreated: "Accepted", aigen.EventSamplesStarted: "Samples started", aigen.EventSamplesRetrying: "Samples retried",
	aigen.EventSamplesReady: "Samples are ready", aigen.EventFinalStarted: "Final started", aigen.EventFinalRetrying: "Final retried",
	aigen.EventCompleted: "Completed", aigen.EventFailed: "Failed", aigen.EventRejected: "The content was rejected",
	aigen.EventCancelled: "Cancelled", aigen.EventCreditsRefused: "Not enough credits", aigen.EventCreditsUnavailable: "Credits could not be checked",
}

func eventName(t aigen.EventType) string {
	if name, ok := eventNames[t]; ok {
		return name
	}
	return string(t)
}

var kindNames = map[outbox.DeliveryKind]string{
	outbox.DeliverSampleJob: "Job for samples", outbox.DeliverFinalJob: "Job for the final", outbox.DeliverReserve: "Reserve credits",
	outbox.DeliverDeduct: "Deduct credits", outbox.DeliverRefund: "Refund credits", outbox.DeliverRelease: "Release credits",
	outbox.DeliverNotify: "Notification",
}

func kindName(k outbox.DeliveryKind) string { return kindNames[k] }

var movementNames = map[ledger.Kind]string{
	ledger.Reserve: "Reserved", ledger.Deduct: "Deducted", ledger.Refund: "Refunded", ledger.Grant: "Granted",
}

func actionName(k app.OperatorActionKind) string {
	switch k {
	case app.ActionRetry:
		return "Retried"
	case app.ActionDrop:
		return "Dropped"
	case app.ActionFail:
		return "Failed"
	}
	return string(k)
}

// title has its first letter large.
func title(v any) string {
	s := fmt.Sprint(v)
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// took says a duration in two parts at most.
func took(d time.Duration) string {
	two := func(large, small time.Duration, largeUnit, smallUnit string) string {
		text := strconv.Itoa(int(d/large)) + " " + largeUnit
		if rest := int(d % large / small); rest > 0 {
			text += " " + strconv.Itoa(rest) + " " + smallUnit
		}
		return text
	}
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return strconv.FormatInt(max(1, d.Milliseconds()), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return two(time.Minute, time.Second, "min", "s")
	case d < 48*time.Hour:
		return two(time.Hour, time.Minute, "h", "min")
	}
	return strconv.Itoa(int(d.Hours())/24) + " days"
}

// number is a whole number with narrow gaps between its thousands.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f")
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}
