package httpapi

import (
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
)

// The codes that only the wire has. Those of the domain stand in the root package.
const (
	codeMalformedJSON       aigen.Code = "malformed_json"
	codeEmptyBody           aigen.Code = "empty_body"
	codeInvalidUTF8         aigen.Code = "invalid_utf8"
	codeNestingTooDeep      aigen.Code = "nesting_too_deep"
	codeDuplicateKey        aigen.Code = "duplicate_key"
	codeIncompleteBody      aigen.Code = "incomplete_body"
	codeInvalidCursor       aigen.Code = "invalid_cursor"
	codeInvalidEventID      aigen.Code = "invalid_event_id"
	codeMissingToken        aigen.Code = "missing_token"
	codeInvalidToken        aigen.Code = "invalid_token"
	codeMissingProof        aigen.Code = "missing_proof"
	codeOperatorRequired    aigen.Code = "operator_required"
	codeInvalidProof        aigen.Code = "invalid_proof"
	codeRouteNotFound       aigen.Code = "route_not_found"
	codeMethodNotAllowed    aigen.Code = "method_not_allowed"
	codeNotAcceptable       aigen.Code = "not_acceptable"
	codeRequestTimeout      aigen.Code = "request_timeout"
	codeBodyTooLarge        aigen.Code = "body_too_large"
	codeUnsupportedType     aigen.Code = "unsupported_media_type"
	codeUnsupportedCoding   aigen.Code = "unsupported_content_encoding"
	codeRangeNotSatisfied   aigen.Code = "range_not_satisfiable"
	codeTooManyStreams      aigen.Code = "too_many_streams"
	codeAuthUnavailable     aigen.Code = "auth_unavailable"
	codeShuttingDown        aigen.Code = "shutting_down"
	codeBusy                aigen.Code = "busy"
	codeDatabaseUnavailable aigen.Code = "database_unavailable"
	codeUnknownError        aigen.Code = "request_refused"
	codeUnreadable          aigen.Code = "malformed_request"
	codeExpectationFailed   aigen.Code = "expectation_failed"
	codeHeadersTooLarge     aigen.Code = "headers_too_large"
	codePicturesNotStored   aigen.Code = "pictures_not_stored"
	codeLinkExpired         aigen.Code = "link_expired"
)

// errorSpec is what a code means on the wire.
type errorSpec struct {
	code   aigen.Code
	status int
	title  string
	retry  time.Duration // Retry-After, unless the fault itself says how long; 0: none
}

// errorTable is the one table from codes to answers, in the order of the documents.
// A code that is not in it is answered as internal_error.
var errorTable = []errorSpec{
	{codeMalformedJSON, http.StatusBadRequest, "The body is not JSON", 0},
	{codeEmptyBody, http.StatusBadRequest, "The body is empty", 0},
	{codeInvalidUTF8, http.StatusBadRequest, "The body is not UTF-8", 0},
	{codeNestingTooDeep, http.StatusBadRequest, "The JSON is nested too deeply", 0},
	{codeDuplicateKey, http.StatusBadRequest, "A key comes twice", 0},
	{codeIncompleteBody, http.StatusBadRequest, "The body ended too soon", 0},
	{codeInvalidCursor, http.StatusBadRequest, "Not a cursor of this service", 0},
	{codeInvalidEventID, http.StatusBadRequest, "Not an event id of this stream", 0},
	{codeMissingToken, http.StatusUnauthorized, "A token is needed", 0},
	{codeInvalidToken, http.StatusUnauthorized, "The token is not valid", 0},
	{codeMissingProof, http.StatusUnauthorized, "The callback has no proof", 0},
	{aigen.CodeInsufficientCredits, http.StatusPaymentRequired, "Not enough credits", 0},
	{codeInvalidProof, http.StatusForbidden, "The callback's proof is wrong", 0},
	{codeOperatorRequired, http.StatusForbidden, "Only for operators", 0},
	{aigen.CodeNotFound, http.StatusNotFound, "No such generation", 0},
	{aigen.CodeUnknownJob, http.StatusNotFound, "No such job", 0},
	{aigen.CodeDeliveryNotFound, http.StatusNotFound, "No such delivery", 0},
	{codeRouteNotFound, http.StatusNotFound, "No such resource", 0},
	{codeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", 0},
	{codeNotAcceptable, http.StatusNotAcceptable, "Not available in that format", 0},
	{codeRequestTimeout, http.StatusRequestTimeout, "The request took too long", 0},
	{aigen.CodeInvalidState, http.StatusConflict, "The state does not allow this", 0},
	{aigen.CodeDeliveryBusy, http.StatusConflict, "The delivery is being made", 2 * time.Second},
	{aigen.CodeForceRequired, http.StatusConflict, "This needs an explicit word", 0},
	{aigen.CodeCallbackContradiction, http.StatusConflict, "The callback contradicts the state", 0},
	{aigen.CodeIdempotencyConflict, http.StatusConflict, "The first request is still running", time.Second},
	{codeBodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large", 0},
	{codeUnsupportedType, http.StatusUnsupportedMediaType, "Not a content type that is understood", 0},
	{codeUnsupportedCoding, http.StatusUnsupportedMediaType, "Not a content encoding that is understood", 0},
	{codeRangeNotSatisfied, http.StatusRequestedRangeNotSatisfiable, "The range is outside of the file", 0},
	{aigen.CodeInvalidInput, http.StatusUnprocessableEntity, "Invalid input", 0},
	{aigen.CodeUnknownSample, http.StatusUnprocessableEntity, "No such sample", 0},
	{aigen.CodeIdempotencyKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another request", 0},
	{aigen.CodeRateLimited, http.StatusTooManyRequests, "Too many requests", time.Second},
	{aigen.CodeExternalIDTaken, http.StatusConflict, "The externalId is taken", 0},
	{aigen.CodeUnsupportedPicture, http.StatusUnsupportedMediaType, "Not a picture that can be used", 0},
	{aigen.CodeUnusablePicture, http.StatusUnprocessableEntity, "The picture cannot be used", 0},
	{aigen.CodeAssetNotFound, http.StatusNotFound, "No such asset", 0},
	{aigen.CodeAssetInUse, http.StatusConflict, "The asset is in use", 0},
	{codePicturesNotStored, http.StatusNotFound, "Pictures are not stored", 0},
	{codeLinkExpired, http.StatusForbidden, "The link has expired", 0},
	{aigen.CodeQueueFull, http.StatusTooManyRequests, "Too many generations at once", 10 * time.Second},
	{codeTooManyStreams, http.StatusTooManyRequests, "Too many open streams", 5 * time.Second},
	{codeUnknownError, http.StatusBadRequest, "The request was refused", 0},
	{codeUnreadable, http.StatusBadRequest, "The request cannot be read", 0},
	{codeExpectationFailed, http.StatusExpectationFailed, "Not what can be expected", 0},
	{codeHeadersTooLarge, http.StatusRequestHeaderFieldsTooLarge, "The headers are too large", 0},
	{aigen.CodeInternal, http.StatusInternalServerError, "Something went wrong here", 0},
	{aigen.CodeCreditServiceUnavailable, http.StatusServiceUnavailable, "Credits cannot be checked just now", 5 * time.Second},
	{codeAuthUnavailable, http.StatusServiceUnavailable, "Tokens cannot be checked just now", 5 * time.Second},
	{codeShuttingDown, http.StatusServiceUnavailable, "The service is stopping", 5 * time.Second},
	{codeDatabaseUnavailable, http.StatusServiceUnavailable, "The database does not answer", 2 * time.Second},
	{codeBusy, http.StatusServiceUnavailable, "Too much at once", time.Second},
}

// specOf finds the row of a code; ok is false where there is none.
func specOf(code aigen.Code) (errorSpec, bool) {
	for _, k := range errorTable {
		if k.code == code {
			return k, true
		}
	}
	return errorSpec{}, false
}
