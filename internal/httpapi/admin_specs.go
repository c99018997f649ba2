package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/web"
)

const tagOperators = "Operators"

// adminSpecs describes the admin API.
func adminSpecs() map[string]spec {
	ok := func(text string, body reflect.Type) []answer {
		return []answer{{status: http.StatusOK, text: text, body: body}}
	}
	delivery := []aigen.Code{aigen.CodeDeliveryNotFound, aigen.CodeDeliveryBusy, aigen.CodeInvalidInput}
	list := []aigen.Code{aigen.CodeInvalidInput, codeInvalidCursor}
	page := reflect.TypeFor[adminDeliveryPageView]()
	return map[string]spec{
		"GET " + adminDeliveriesPath: {
			id: "listDeliveries", tag: tagOperators, summary: "List what is to be delivered, oldest first",
			text:   "Jobs, credit operations and notifications that wait, are being made, or were given up. What was delivered is gone from here.",
			params: deliveryParams(), answers: ok("A page.", page), codes: list,
		},
		"GET " + adminDeliveryPath: {
			id: "getDelivery", tag: tagOperators, summary: "Read one delivery",
			answers: ok("The delivery.", reflect.TypeFor[adminDeliveryView]()), codes: delivery[:1],
		},
		"POST " + adminRetryPath: {
			id: "retryDelivery", tag: tagOperators, summary: "Try a delivery again, now",
			text: "With a fresh count of attempts. A body with a reason may be sent.",
			body: reflect.TypeFor[adminNoteBody](), bodyOptional: true,
			answers: ok("The delivery, due now.", reflect.TypeFor[adminDeliveryView]()), codes: delivery,
		},
		"POST " + adminDropPath: {
			id: "dropDelivery", tag: tagOperators, summary: "Give a delivery up for good",
			text: "With what follows from it: a job that is awaited fails its generation, with a refund; a reservation is given up, and what is held for it is refunded; of a notification the user is not told. " +
				"A deduction, a refund or a release is what the credit service has to hear: dropping it makes the accounts differ, and needs `force`.",
			body: reflect.TypeFor[adminDropBody](), answers: ok("It is gone; `decided` says what follows.", reflect.TypeFor[adminDroppedView]()),
			codes: append([]aigen.Code{aigen.CodeForceRequired, web.CodeBusy}, delivery...),
		},
		"POST " + adminRetryManyPath: {
			id: "retryDeliveries", tag: tagOperators, summary: "Try many deliveries again, now",
			text: "Those that are named, or all that are dead and match.",
			body: reflect.TypeFor[adminRetryBody](), bodyOptional: true,
			answers: ok("How many.", reflect.TypeFor[adminRetriedView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
		},
		"GET " + adminGenerationsPath: {
			id: "listAllGenerations", tag: tagOperators, summary: "List generations of all users, newest first",
			text:   "A project without a user is looked for in 31 days: those before `to`, or before now.",
			params: allParams(), answers: ok("A page.", reflect.TypeFor[pageView]()), codes: list,
		},
		"GET " + adminGenerationPath: {
			id: "getStory", tag: tagOperators, summary: "Read all that is known of a generation",
			text:    "What the user asked for, what happened, jobs, what is still to be delivered or could not be, movements of the embedded ledger, and what operators did.",
			answers: ok("The generation and its story.", reflect.TypeFor[adminStoryView]()), codes: []aigen.Code{aigen.CodeNotFound},
		},
		"POST " + adminFailPath: {
			id: "failGeneration", tag: tagOperators, summary: "Fail a generation",
			text: "Refunds what is reserved. The user sees the error code `failed_by_operator`; who did it and why is for operators.",
			body: reflect.TypeFor[adminReasonBody](), answers: ok("The generation.", reflect.TypeFor[generationView]()),
			codes: []aigen.Code{aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput, web.CodeBusy},
		},
		"GET " + adminSearchPath: {
			id: "search", tag: tagOperators, summary: "Find what an id stands for",
			text: "The ids of generations, runs (references at the credit service), jobs, deliveries that are not made, users, and projects of the last 31 days; also within a text, such as a line of a log.",
			params: []*huma.Param{{
				Name: "q", In: "query", Required: true, Description: "An id, or a text that holds some: the first five count.",
				Schema: &huma.Schema{Type: huma.TypeString},
			}},
			answers: ok("What was found.", reflect.TypeFor[adminMatchesView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
		},
		"GET " + adminActionsPath: {
			id: "listActions", tag: tagOperators, summary: "List what operators did, newest first",
			params:  append([]*huma.Param{uuidParam("generationId", "Only of this generation.")}, pageParams()...),
			answers: ok("A page.", reflect.TypeFor[adminActionPageView]()), codes: list,
		},
		"GET " + adminStatisticsPath: {
			id: "getStatistics", tag: tagOperators, summary: "Read what the charts are drawn from",
			params:  []*huma.Param{wordParam("window", "How far back; default 1h.", windowNames())},
			answers: ok("The numbers.", reflect.TypeFor[adminStatisticsView]()), codes: []aigen.Code{aigen.CodeInvalidInput},
		},
		"GET " + adminHealthPath: {
			id: "getHealth", tag: tagOperators, summary: "Look at each dependency",
			answers: ok("How they are.", reflect.TypeFor[adminHealthView]()),
		},
		"GET " + adminSettingsPath: {
			id: "getSettings", tag: tagOperators, summary: "Read the settings in force",
			answers: ok("The settings, secrets masked.", reflect.TypeFor[adminSettingsView]()),
		},
	}
}

func wordParam[T ~string](name, text string, words []T) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Enum: list(words)}}
}

func uuidParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"}}
}

func timeParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}}
}

// pageParams are the last two of every list.
func pageParams() []*huma.Param { return listParams()[2:] }

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
