package admin

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/openapi"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/web"
)

func okAnswer(text string, body reflect.Type) []openapi.Answer {
	return []openapi.Answer{{Status: http.StatusOK, Text: text, Body: body}}
}

func deliveryCodes() []aigen.Code {
	return []aigen.Code{aigen.CodeDeliveryNotFound, aigen.CodeDeliveryBusy, aigen.CodeInvalidInput}
}

func listCodes() []aigen.Code { return []aigen.Code{aigen.CodeInvalidInput, wire.CodeInvalidCursor} }

func listDeliveries() openapi.Operation {
	return openapi.Operation{
		ID: "listDeliveries", Tag: openapi.TagOperators, Summary: "List what is to be delivered, oldest first",
		Text:   "Jobs, credit operations and notifications that wait, are being made, or were given up. What was delivered is gone from here.",
		Params: deliveryParams(), Answers: okAnswer("A page.", reflect.TypeFor[deliveryPageView]()), Codes: listCodes(),
	}
}

func getDelivery() openapi.Operation {
	return openapi.Operation{
		ID: "getDelivery", Subject: "The delivery.", Tag: openapi.TagOperators, Summary: "Read one delivery",
		Answers: okAnswer("The delivery.", reflect.TypeFor[deliveryView]()), Codes: []aigen.Code{aigen.CodeDeliveryNotFound},
	}
}

func retryDelivery() openapi.Operation {
	return openapi.Operation{
		ID: "retryDelivery", Subject: "The delivery.", Tag: openapi.TagOperators, Summary: "Try a delivery again, now",
		Text: "With a fresh count of attempts. A body with a reason may be sent.",
		Body: reflect.TypeFor[noteBody](), BodyOptional: true,
		Answers: okAnswer("The delivery, due now.", reflect.TypeFor[deliveryView]()), Codes: deliveryCodes(),
	}
}

func dropDelivery() openapi.Operation {
	return openapi.Operation{
		ID: "dropDelivery", Subject: "The delivery.", Tag: openapi.TagOperators, Summary: "Give a delivery up for good",
		Text: "With what follows from it: a job that is awaited fails its generation, with a refund; a reservation is given up, and what is held for it is refunded; of a notification the user is not told. " +
			"A deduction, a refund or a release is what the credit service has to hear: dropping it makes the accounts differ, and needs `force`.",
		Body: reflect.TypeFor[dropBody](), Answers: okAnswer("It is gone; `decided` says what follows.", reflect.TypeFor[droppedView]()),
		Codes: append([]aigen.Code{aigen.CodeForceRequired, web.CodeBusy}, deliveryCodes()...),
	}
}

func retryDeliveries() openapi.Operation {
	return openapi.Operation{
		ID: "retryDeliveries", Tag: openapi.TagOperators, Summary: "Try many deliveries again, now",
		Text: "Those that are named, or all that are dead and match.",
		Body: reflect.TypeFor[retryBody](), BodyOptional: true,
		Answers: okAnswer("How many.", reflect.TypeFor[retriedView]()), Codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func listAllGenerations() openapi.Operation {
	return openapi.Operation{
		ID: "listAllGenerations", Tag: openapi.TagOperators, Summary: "List generations of all users, newest first",
		Text:   "A project without a user is looked for in 31 days: those before `to`, or before now.",
		Params: allParams(), Answers: okAnswer("A page.", reflect.TypeFor[wire.PageView]()), Codes: listCodes(),
	}
}

func getStory() openapi.Operation {
	return openapi.Operation{
		ID: "getStory", Tag: openapi.TagOperators, Summary: "Read all that is known of a generation",
		Text:    "What the user asked for, what happened, jobs, what is still to be delivered or could not be, movements of the embedded ledger, and what operators did.",
		Answers: okAnswer("The generation and its story.", reflect.TypeFor[storyView]()), Codes: []aigen.Code{aigen.CodeNotFound},
	}
}

func failGeneration() openapi.Operation {
	return openapi.Operation{
		ID: "failGeneration", Tag: openapi.TagOperators, Summary: "Fail a generation",
		Text: "Refunds what is reserved. The user sees the error code `failed_by_operator`; who did it and why is for operators.",
		Body: reflect.TypeFor[reasonBody](), Answers: okAnswer("The generation.", reflect.TypeFor[wire.GenerationView]()),
		Codes: []aigen.Code{aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput, web.CodeBusy},
	}
}

func search() openapi.Operation {
	return openapi.Operation{
		ID: "search", Tag: openapi.TagOperators, Summary: "Find what an id stands for",
		Text: "The ids of generations, runs (references at the credit service), jobs, deliveries that are not made, users, and projects of the last 31 days; also within a text, such as a line of a log.",
		Params: []*huma.Param{{
			Name: "q", In: "query", Required: true, Description: "An id, or a text that holds some: the first five count.",
			Schema: &huma.Schema{Type: huma.TypeString},
		}},
		Answers: okAnswer("What was found.", reflect.TypeFor[matchesView]()), Codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func listActions() openapi.Operation {
	return openapi.Operation{
		ID: "listActions", Tag: openapi.TagOperators, Summary: "List what operators did, newest first",
		Params:  append([]*huma.Param{openapi.UUIDParam("generationId", "Only of this generation.")}, openapi.PageParams()...),
		Answers: okAnswer("A page.", reflect.TypeFor[actionPageView]()), Codes: listCodes(),
	}
}

func getStatistics() openapi.Operation {
	return openapi.Operation{
		ID: "getStatistics", Tag: openapi.TagOperators, Summary: "Read what the charts are drawn from",
		Params:  []*huma.Param{openapi.WordParam("window", "How far back; default 1h.", windowNames())},
		Answers: okAnswer("The numbers.", reflect.TypeFor[statisticsView]()), Codes: []aigen.Code{aigen.CodeInvalidInput},
	}
}

func getHealth() openapi.Operation {
	return openapi.Operation{
		ID: "getHealth", Tag: openapi.TagOperators, Summary: "Look at each dependency",
		Answers: okAnswer("How they are.", reflect.TypeFor[healthView]()),
	}
}

func getSettings() openapi.Operation {
	return openapi.Operation{
		ID: "getSettings", Tag: openapi.TagOperators, Summary: "Read the settings in force",
		Answers: okAnswer("The settings, secrets masked.", reflect.TypeFor[settingsView]()),
	}
}

func deliveryParams() []*huma.Param {
	return append([]*huma.Param{
		openapi.WordParam("state", "Only those in this state.", deliveryStates()), openapi.WordParam("lane", "Only those of this lane.", outbox.Queues()),
		openapi.WordParam("kind", "Only those of this kind.", outbox.DeliveryKinds()), openapi.UUIDParam("generationId", "Only those of this generation."),
	}, openapi.PageParams()...)
}

func allParams() []*huma.Param {
	return append([]*huma.Param{
		openapi.WordParam("status", "Only those in this state.", aigen.Statuses()), openapi.UUIDParam("userId", "Only those of this user."),
		openapi.UUIDParam("projectId", "Only those of this project."), openapi.TimeParam("from", "Created at this time or later."),
		openapi.TimeParam("to", "Created before this time."),
	}, openapi.PageParams()...)
}
