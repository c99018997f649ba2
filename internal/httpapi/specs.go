package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// The operations of the API of users, of the workflow engine and of the service itself.

func accepted() answer {
	return answer{
		status: http.StatusAccepted, text: "The work has begun.", body: reflect.TypeFor[acceptedView](),
		headers: []string{"Location", "Idempotency-Replayed"},
	}
}

func oneGeneration(headers ...string) answer {
	return answer{status: http.StatusOK, text: "The generation.", body: reflect.TypeFor[generationView](), headers: headers}
}

// workCodes are the errors of what starts work.
func workCodes() []aigen.Code {
	return []aigen.Code{
		aigen.CodeInsufficientCredits, aigen.CodeIdempotencyConflict, aigen.CodeIdempotencyKeyReused,
		aigen.CodeCreditServiceUnavailable, web.CodeBusy, aigen.CodeQueueFull,
	}
}

// changeCodes are the errors of what starts work on a generation that there is.
func changeCodes() []aigen.Code {
	return append([]aigen.Code{aigen.CodeNotFound, aigen.CodeInvalidState}, workCodes()...)
}

func specCreateGeneration() spec {
	return spec{
		id: "createGeneration", tag: tagGenerations, summary: "Start a generation",
		text:   "Reserves credits and orders samples. Unknown fields are refused, except within inputParameters, whose unknown keys pass through to the engine.",
		params: []*huma.Param{keyParam()}, body: reflect.TypeFor[createBody](), answers: []answer{accepted()},
		codes: workCodes(),
	}
}

func specListGenerations() spec {
	return spec{
		id: "listGenerations", tag: tagGenerations, summary: "List your generations, newest first",
		params:  listParams(),
		answers: []answer{{status: http.StatusOK, text: "A page.", body: reflect.TypeFor[pageView]()}},
		codes:   []aigen.Code{aigen.CodeInvalidInput, codeInvalidCursor},
	}
}

func specGetGeneration() spec {
	return spec{
		id: "getGeneration", tag: tagGenerations, summary: "Read one generation",
		params:  []*huma.Param{ifNoneMatchParam()},
		answers: []answer{oneGeneration("ETag"), notModified()},
		codes:   []aigen.Code{aigen.CodeNotFound},
	}
}

func specSelectSample() spec {
	return spec{
		id: "selectSample", tag: tagGenerations, summary: "Choose a sample and order the final",
		params: []*huma.Param{keyParam()}, body: reflect.TypeFor[selectBody](), answers: []answer{accepted()},
		codes: append([]aigen.Code{aigen.CodeUnknownSample}, changeCodes()...),
	}
}

func specRegenerateSamples() spec {
	return spec{
		id: "regenerateSamples", tag: tagGenerations, summary: "Order new samples",
		text:   "What is missing stays as it is; inputParameters are replaced as a whole. Without a body: the same once more.",
		params: []*huma.Param{keyParam()}, body: reflect.TypeFor[regenerateBody](), bodyOptional: true,
		answers: []answer{accepted()}, codes: changeCodes(),
	}
}

func specCancelGeneration() spec {
	return spec{
		id: "cancelGeneration", tag: tagGenerations, summary: "Cancel a generation",
		text: "Refunds what is reserved. A body is not looked at.", dropsBody: true, params: []*huma.Param{keyParam()}, answers: []answer{oneGeneration("Idempotency-Replayed")},
		codes: []aigen.Code{
			aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput,
			aigen.CodeIdempotencyConflict, aigen.CodeIdempotencyKeyReused, web.CodeBusy,
		},
	}
}

func specGetCredits() spec {
	return spec{
		id: "getCredits", tag: tagCredits, summary: "Read your balance",
		answers: []answer{{status: http.StatusOK, text: "The account.", body: reflect.TypeFor[balanceView]()}},
		codes:   []aigen.Code{aigen.CodeCreditServiceUnavailable},
	}
}

func notModified() answer {
	return answer{status: http.StatusNotModified, text: "You have it already.", headers: []string{"ETag"}}
}

func specN8nCallback() spec {
	return spec{
		id: "n8nCallback", tag: tagEngine, summary: "Report on a job",
		text: "One proof is needed: the job's token, the secret, or a signature. A repeat, whenever it comes, changes nothing. Unknown fields are let through.",
		body: reflect.TypeFor[callbackBody](),
		answers: []answer{{
			status: http.StatusOK, text: "Taken note of; outcome says with what effect.", body: reflect.TypeFor[processedView](),
		}},
		codes: []aigen.Code{
			codeMissingProof, codeInvalidProof, aigen.CodeNotFound, aigen.CodeUnknownJob, aigen.CodeCallbackContradiction, web.CodeBusy, web.CodeDatabaseUnavailable,
		},
		security: []map[string][]string{{schemeJob: {}}, {schemeSecret: {}}, {schemeSignature: {}}},
	}
}
