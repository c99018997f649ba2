package openapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// The operations of the API of users, of the workflow engine and of the service itself.

func accepted() Answer {
	return Answer{
		Status: http.StatusAccepted, Text: "The work has begun.", Body: reflect.TypeFor[wire.AcceptedView](),
		headers: []string{"Location", "Idempotency-Replayed"},
	}
}

func oneGeneration(headers ...string) Answer {
	return Answer{Status: http.StatusOK, Text: "The generation.", Body: reflect.TypeFor[wire.GenerationView](), headers: headers}
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

// CreateGeneration describes POST /api/v1/generations.
func CreateGeneration() Operation {
	return Operation{
		ID: "createGeneration", Tag: tagGenerations, Summary: "Start a generation",
		Text:   "Reserves credits and orders samples. Unknown fields are refused, except within inputParameters, whose unknown keys pass through to the engine.",
		Params: []*huma.Param{keyParam()}, Body: reflect.TypeFor[createBody](), Answers: []Answer{accepted()},
		Codes: append([]aigen.Code{aigen.CodeExternalIDTaken}, workCodes()...),
	}
}

// ListGenerations describes GET /api/v1/generations.
func ListGenerations() Operation {
	return Operation{
		ID: "listGenerations", Tag: tagGenerations, Summary: "List your generations, newest first",
		Params:  listParams(),
		Answers: []Answer{{Status: http.StatusOK, Text: "A page.", Body: reflect.TypeFor[wire.PageView]()}},
		Codes:   []aigen.Code{aigen.CodeInvalidInput, wire.CodeInvalidCursor},
	}
}

// GetGeneration describes GET /api/v1/generations/{id}.
func GetGeneration() Operation {
	return Operation{
		ID: "getGeneration", Tag: tagGenerations, Summary: "Read one generation",
		Params:  []*huma.Param{ifNoneMatchParam()},
		Answers: []Answer{oneGeneration("ETag"), notModified()},
		Codes:   []aigen.Code{aigen.CodeNotFound},
	}
}

// SelectSample describes POST /api/v1/generations/{id}/select-sample.
func SelectSample() Operation {
	return Operation{
		ID: "selectSample", Tag: tagGenerations, Summary: "Choose a sample and order the final",
		Params: []*huma.Param{keyParam()}, Body: reflect.TypeFor[selectBody](), Answers: []Answer{accepted()},
		Codes: append([]aigen.Code{aigen.CodeUnknownSample}, changeCodes()...),
	}
}

// RegenerateSamples describes POST /api/v1/generations/{id}/regenerate-samples.
func RegenerateSamples() Operation {
	return Operation{
		ID: "regenerateSamples", Tag: tagGenerations, Summary: "Order new samples",
		Text:   "What is missing stays as it is; inputParameters are replaced as a whole. Without a body: the same once more.",
		Params: []*huma.Param{keyParam()}, Body: reflect.TypeFor[regenerateBody](), BodyOptional: true,
		Answers: []Answer{accepted()}, Codes: changeCodes(),
	}
}

// CancelGeneration describes POST /api/v1/generations/{id}/cancel.
func CancelGeneration() Operation {
	return Operation{
		ID: "cancelGeneration", Tag: tagGenerations, Summary: "Cancel a generation",
		Text: "Refunds what is reserved. A body is not looked at.", dropsBody: true, Params: []*huma.Param{keyParam()}, Answers: []Answer{oneGeneration("Idempotency-Replayed")},
		Codes: []aigen.Code{
			aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput,
			aigen.CodeIdempotencyConflict, aigen.CodeIdempotencyKeyReused, web.CodeBusy,
		},
	}
}

// RetryGeneration describes POST /api/v1/generations/{id}/retry.
func RetryGeneration() Operation {
	return Operation{
		ID: "retryGeneration", Tag: tagGenerations, Summary: "Repeat a generation that has ended",
		Text: "Starts a new generation with the same input. A body is not looked at.", dropsBody: true, Params: []*huma.Param{keyParam()},
		Answers: []Answer{accepted()}, Codes: append([]aigen.Code{aigen.CodeInvalidInput}, changeCodes()...),
	}
}

// GetCredits describes GET /api/v1/credits.
func GetCredits() Operation {
	return Operation{
		ID: "getCredits", Tag: tagCredits, Summary: "Read your balance",
		Answers: []Answer{{Status: http.StatusOK, Text: "The account.", Body: reflect.TypeFor[wire.BalanceView]()}},
		Codes:   []aigen.Code{aigen.CodeCreditServiceUnavailable},
	}
}

func notModified() Answer {
	return Answer{Status: http.StatusNotModified, Text: "You have it already.", headers: []string{"ETag"}}
}

// N8NCallback describes POST /api/v1/callbacks/n8n.
func N8NCallback() Operation {
	return Operation{
		ID: "n8nCallback", Tag: tagEngine, Summary: "Report on a job",
		Text: "One proof is needed: the job's token, the secret, or a signature. A repeat, whenever it comes, changes nothing. Unknown fields are let through.",
		Body: reflect.TypeFor[callbackBody](),
		Answers: []Answer{{
			Status: http.StatusOK, Text: "Taken note of; outcome says with what effect.", Body: reflect.TypeFor[wire.ProcessedView](),
		}},
		Codes: []aigen.Code{
			wire.CodeMissingProof, wire.CodeInvalidProof, aigen.CodeNotFound, aigen.CodeUnknownJob, aigen.CodeCallbackContradiction, web.CodeBusy, web.CodeDatabaseUnavailable,
		},
		security: []map[string][]string{{schemeJob: {}}, {schemeSecret: {}}, {schemeSignature: {}}},
	}
}
