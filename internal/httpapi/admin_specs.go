package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/web"
)

func ok(text string, body reflect.Type) []answer {
	return []answer{{status: http.StatusOK, text: text, body: body}}
}

func deliveryCodes() []aigen.Code {
	return []aigen.Code{aigen.CodeDeliveryNotFound, aigen.CodeDeliveryBusy, aigen.CodeInvalidInput}
}

func listCodes() []aigen.Code { return []aigen.Code{aigen.CodeInvalidInput, codeInvalidCursor} }

func specListDeliveries() spec {
	return spec{
		id: "listDeliveries", tag: tagOperators, summary: "List what is to be delivered, oldest first",
		text:   "Jobs, credit operations and notifications that wait, are being made, or were given up. What was delivered is gone from here.",
		params: deliveryParams(), answers: ok("A page.", reflect.TypeFor[adminDeliveryPageView]()), codes: listCodes(),
	}
}

func specGetDelivery() spec {
	return spec{
		id: "getDelivery", subject: "The delivery.", tag: tagOperators, summary: "Read one delivery",
		answers: ok("The delivery.", reflect.TypeFor[adminDeliveryView]()), codes: []aigen.Code{aigen.CodeDeliveryNotFound},
	}
}

func specRetryDelivery() spec {
	return spec{
		id: "retryDelivery", subject: "The delivery.", tag: tagOperators, summary: "Try a delivery again, now",
		text: "With a fresh count of attempts. A body with a reason may be sent.",
		body: reflect.TypeFor[adminNoteBody](), bodyOptional: true,
		answers: ok("The delivery, due now.", reflect.TypeFor[adminDeliveryView]()), codes: deliveryCodes(),
	}
}

func specDropDelivery() spec {
	return spec{
		id: "dropDelivery", subject: "The delivery.", tag: tagOperators, summary: "Give a delivery up for good",
		text: "With what follows from it: a job that is awaited fails its generation, with a refund; a reservation is given up, and what is held for it is refunded; of a notification the user is not told. " +
			"A deduction, a refund or a release is what the credit service has to hear: dropping it makes the accounts differ, and needs `force`.",
		body: reflect.TypeFor[adminDropBody](), answers: ok("It is gone; `decided` says what follows.", reflect.TypeFor[adminDroppedView]()),
		codes: append([]aigen.Code{aigen.CodeForceRequired, web.CodeBusy}, deliveryCodes()...),
	}
}

func specRetryDeliveries() spec {
	return spec{
		id: "retryDeliveries", tag: tagOperators, summary: "Try many deliveries again, now",
		text: "Those that are named, or all that are dead and match.",
		body: reflect.TypeFor[adminRetryBody](), bodyOptional: true,
		answers: ok("How many.", reflect.TypeFor[adminRetriedView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func specListAllGenerations() spec {
	return spec{
		id: "listAllGenerations", tag: tagOperators, summary: "List generations of all users, newest first",
		text:   "A project without a user is looked for in 31 days: those before `to`, or before now.",
		params: allParams(), answers: ok("A page.", reflect.TypeFor[pageView]()), codes: listCodes(),
	}
}

func specGetStory() spec {
	return spec{
		id: "getStory", tag: tagOperators, summary: "Read all that is known of a generation",
		text:    "What the user asked for, what happened, jobs, what is still to be delivered or could not be, movements of the embedded ledger, and what operators did.",
		answers: ok("The generation and its story.", reflect.TypeFor[adminStoryView]()), codes: []aigen.Code{aigen.CodeNotFound},
	}
}

func specFailGeneration() spec {
	return spec{
		id: "failGeneration", tag: tagOperators, summary: "Fail a generation",
		text: "Refunds what is reserved. The user sees the error code `failed_by_operator`; who did it and why is for operators.",
		body: reflect.TypeFor[adminReasonBody](), answers: ok("The generation.", reflect.TypeFor[generationView]()),
		codes: []aigen.Code{aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput, web.CodeBusy},
	}
}

func specSearch() spec {
	return spec{
		id: "search", tag: tagOperators, summary: "Find what an id stands for",
		text: "The ids of generations, runs (references at the credit service), jobs, deliveries that are not made, users, and projects of the last 31 days; also within a text, such as a line of a log.",
		params: []*huma.Param{{
			Name: "q", In: "query", Required: true, Description: "An id, or a text that holds some: the first five count.",
			Schema: &huma.Schema{Type: huma.TypeString},
		}},
		answers: ok("What was found.", reflect.TypeFor[adminMatchesView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func specListActions() spec {
	return spec{
		id: "listActions", tag: tagOperators, summary: "List what operators did, newest first",
		params:  append([]*huma.Param{uuidParam("generationId", "Only of this generation.")}, pageParams()...),
		answers: ok("A page.", reflect.TypeFor[adminActionPageView]()), codes: listCodes(),
	}
}

func specGetStatistics() spec {
	return spec{
		id: "getStatistics", tag: tagOperators, summary: "Read what the charts are drawn from",
		params:  []*huma.Param{wordParam("window", "How far back; default 1h.", windowNames())},
		answers: ok("The numbers.", reflect.TypeFor[adminStatisticsView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func specGetHealth() spec {
	return spec{
		id: "getHealth", tag: tagOperators, summary: "Look at each dependency",
		answers: ok("How they are.", reflect.TypeFor[adminHealthView]()),
	}
}

func specGetSettings() spec {
	return spec{
		id: "getSettings", tag: tagOperators, summary: "Read the settings in force",
		answers: ok("The settings, secrets masked.", reflect.TypeFor[adminSettingsView]()),
	}
}

func deliveryParams() []*huma.Param {
	return append([]*huma.Param{
		wordParam("state", "Only those in this state.", deliveryStates()), wordParam("lane", "Only those of this lane.", outbox.Queues()),
		wordParam("kind", "Only those of this kind.", outbox.DeliveryKinds()), uuidParam("generationId", "Only those of this generation."),
	}, pageParams()...)
}

func allParams() []*huma.Param {
	return append([]*huma.Param{
		wordParam("status", "Only those in this state.", aigen.Statuses()), uuidParam("userId", "Only those of this user."),
		uuidParam("projectId", "Only those of this project."), timeParam("from", "Created at this time or later."),
		timeParam("to", "Created before this time."),
	}, pageParams()...)
}
