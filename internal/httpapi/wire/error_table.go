package wire

import (
	"net/http"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// The codes that only the wire has. Those of the domain stand in the root package.
const (
	CodeMalformedJSON     aigen.Code = "malformed_json"
	CodeEmptyBody         aigen.Code = "empty_body"
	CodeInvalidUTF8       aigen.Code = "invalid_utf8"
	CodeNestingTooDeep    aigen.Code = "nesting_too_deep"
	CodeDuplicateKey      aigen.Code = "duplicate_key"
	CodeIncompleteBody    aigen.Code = "incomplete_body"
	CodeInvalidCursor     aigen.Code = "invalid_cursor"
	CodeInvalidEventID    aigen.Code = "invalid_event_id"
	CodeMissingToken      aigen.Code = "missing_token"
	CodeInvalidToken      aigen.Code = "invalid_token"
	CodeMissingProof      aigen.Code = "missing_proof"
	CodeOperatorRequired  aigen.Code = "operator_required"
	CodeInvalidProof      aigen.Code = "invalid_proof"
	CodeRouteNotFound     aigen.Code = "route_not_found"
	CodeMethodNotAllowed  aigen.Code = "method_not_allowed"
	CodeNotAcceptable     aigen.Code = "not_acceptable"
	CodeRequestTimeout    aigen.Code = "request_timeout"
	CodeBodyTooLarge      aigen.Code = "body_too_large"
	CodeUnsupportedType   aigen.Code = "unsupported_media_type"
	CodeUnsupportedCoding aigen.Code = "unsupported_content_encoding"
	CodeRangeNotSatisfied aigen.Code = "range_not_satisfiable"
	CodeUnknownError      aigen.Code = "request_refused"
	CodeUnreadable        aigen.Code = "malformed_request"
	CodeExpectationFailed aigen.Code = "expectation_failed"
	CodeHeadersTooLarge   aigen.Code = "headers_too_large"
	CodePicturesNotStored aigen.Code = "pictures_not_stored"
	CodeLinkExpired       aigen.Code = "link_expired"
)

// ErrorSpec is what a code means on the wire.
type ErrorSpec struct {
	Code   aigen.Code
	Status int
	Title  string
	Retry  time.Duration // Retry-After, unless the fault itself says how long; 0: none
}

// ErrorSpecs is the table from codes to answers, in the order of the documents.
func ErrorSpecs() []ErrorSpec { return slices.Clone(errorTable) }

// errorTable is the one table from codes to answers, in the order of the documents.
// A code that is not in it is answered as internal_error.
var errorTable = []ErrorSpec{
	{CodeMalformedJSON, http.StatusBadRequest, "The body is not JSON", 0},
	{CodeEmptyBody, http.StatusBadRequest, "The body is empty", 0},
	{CodeInvalidUTF8, http.StatusBadRequest, "The body is not UTF-8", 0},
	{CodeNestingTooDeep, http.StatusBadRequest, "The JSON is nested too deeply", 0},
	{CodeDuplicateKey, http.StatusBadRequest, "A key comes twice", 0},
	{CodeIncompleteBody, http.StatusBadRequest, "The body ended too soon", 0},
	{CodeInvalidCursor, http.StatusBadRequest, "Not a cursor of this service", 0},
	{CodeInvalidEventID, http.StatusBadRequest, "Not an event id of this stream", 0},
	{CodeMissingToken, http.StatusUnauthorized, "A token is needed", 0},
	{CodeInvalidToken, http.StatusUnauthorized, "The token is not valid", 0},
	{CodeMissingProof, http.StatusUnauthorized, "The callback has no proof", 0},
	{aigen.CodeInsufficientCredits, http.StatusPaymentRequired, "Not enough credits", 0},
	{CodeInvalidProof, http.StatusForbidden, "The callback's proof is wrong", 0},
	{CodeOperatorRequired, http.StatusForbidden, "Only for operators", 0},
	{aigen.CodeNotFound, http.StatusNotFound, "No such generation", 0},
	{aigen.CodeUnknownJob, http.StatusNotFound, "No such job", 0},
	{aigen.CodeDeliveryNotFound, http.StatusNotFound, "No such delivery", 0},
	{CodeRouteNotFound, http.StatusNotFound, "No such resource", 0},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", 0},
	{CodeNotAcceptable, http.StatusNotAcceptable, "Not available in that format", 0},
	{CodeRequestTimeout, http.StatusRequestTimeout, "The request took too long", 0},
	{aigen.CodeInvalidState, http.StatusConflict, "The state does not allow this", 0},
	{aigen.CodeDeliveryBusy, http.StatusConflict, "The delivery is being made", 2 * time.Second},
	{aigen.CodeForceRequired, http.StatusConflict, "This needs an explicit word", 0},
	{aigen.CodeCallbackContradiction, http.StatusConflict, "The callback contradicts the state", 0},
	{aigen.CodeIdempotencyConflict, http.StatusConflict, "The first request is still running", time.Second},
	{CodeBodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large", 0},
	{CodeUnsupportedType, http.StatusUnsupportedMediaType, "Not a content type that is understood", 0},
	{CodeUnsupportedCoding, http.StatusUnsupportedMediaType, "Not a content encoding that is understood", 0},
	{CodeRangeNotSatisfied, http.StatusRequestedRangeNotSatisfiable, "The range is outside of the file", 0},
	{aigen.CodeInvalidInput, http.StatusUnprocessableEntity, "Invalid input", 0},
	{aigen.CodeUnknownSample, http.StatusUnprocessableEntity, "No such sample", 0},
	{aigen.CodeIdempotencyKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another request", 0},
	{aigen.CodeRateLimited, http.StatusTooManyRequests, "Too many requests", time.Second},
	{aigen.CodeExternalIDTaken, http.StatusConflict, "The externalId is taken", 0},
	{aigen.CodeUnsupportedPicture, http.StatusUnsupportedMediaType, "Not a picture that can be used", 0},
	{aigen.CodeUnusablePicture, http.StatusUnprocessableEntity, "The picture cannot be used", 0},
	{aigen.CodeAssetNotFound, http.StatusNotFound, "No such asset", 0},
	{aigen.CodeAssetInUse, http.StatusConflict, "The asset is in use", 0},
	{CodePicturesNotStored, http.StatusNotFound, "Pictures are not stored", 0},
	{CodeLinkExpired, http.StatusForbidden, "The link has expired", 0},
	{aigen.CodeQueueFull, http.StatusTooManyRequests, "Too many generations at once", 10 * time.Second},
	{web.CodeTooManyStreams, http.StatusTooManyRequests, "Too many open streams", 5 * time.Second},
	{CodeUnknownError, http.StatusBadRequest, "The request was refused", 0},
	{CodeUnreadable, http.StatusBadRequest, "The request cannot be read", 0},
	{CodeExpectationFailed, http.StatusExpectationFailed, "Not what can be expected", 0},
	{CodeHeadersTooLarge, http.StatusRequestHeaderFieldsTooLarge, "The headers are too large", 0},
	{aigen.CodeInternal, http.StatusInternalServerError, "Something went wrong here", 0},
	{aigen.CodeCreditServiceUnavailable, http.StatusServiceUnavailable, "Credits cannot be checked just now", 5 * time.Second},
	{web.CodeAuthUnavailable, http.StatusServiceUnavailable, "Tokens cannot be checked just now", 5 * time.Second},
	{web.CodeShuttingDown, http.StatusServiceUnavailable, "The service is stopping", 5 * time.Second},
	{web.CodeDatabaseUnavailable, http.StatusServiceUnavailable, "The database does not answer", 2 * time.Second},
	{web.CodeBusy, http.StatusServiceUnavailable, "Too much at once", time.Second},
}

// ErrorSpecOf finds the row of a code; ok is false where there is none.
func ErrorSpecOf(code aigen.Code) (ErrorSpec, bool) {
	for _, k := range errorTable {
		if k.Code == code {
			return k, true
		}
	}
	return ErrorSpec{}, false
}
