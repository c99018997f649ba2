package console

import (
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// message say what went wrong, and what to do next, without blame.
type message struct {
	Title string
	Text  string
	Next  string // what to do; "" where the page offers it
}

// messages is the one table of what people are told.
var messages = map[aigen.Code]struct {
	status int
	message
}{
	// Why a generation ended, and why a request was refused.
	aigen.CodeInsufficientCredits: {http.StatusPaymentRequired, message{
		"Not enough credits",
		"Your balance does not cover this step, so nothing was started and nothing was charged.",
		"Get more credits, or choose something that costs less, and try again.",
	}},
	aigen.CodeCreditServiceUnavailable: {http.StatusServiceUnavailable, message{
		"Credits cannot be checked just now",
		"The service that keeps your credits did not answer. Nothing was charged.",
		"Wait a moment, then try again: your text is still here.",
	}},
	aigen.CodeTimeout: {http.StatusGatewayTimeout, message{
		"This took too long",
		"The picture was not ready in time, so it was stopped and the credits of this step were refunded.",
		"Try again. If it happens often, ask for fewer samples or a smaller size.",
	}},
	aigen.CodeContentRejected: {http.StatusUnprocessableEntity, message{
		"The engine declined this prompt",
		"Something in the text goes against the rules of the image engine.",
		"Use other words, for example without names of people or brands, and try again.",
	}},
	aigen.CodeGenerationFailed: {http.StatusBadGateway, message{
		"The engine could not finish",
		"Something went wrong while the picture was being made. The credits of this step were refunded.",
		"Try again: most of the time the second attempt works.",
	}},
	aigen.CodeDispatchFailed: {http.StatusServiceUnavailable, message{
		"The work could not be started",
		"The engine did not take the job. Nothing was charged for it.",
		"Try again in a few minutes.",
	}},
	aigen.CodeSelectionExpired: {http.StatusGone, message{
		"Closed, because no sample was chosen",
		"The samples waited for a choice for as long as they are kept.",
		"Start again with the same text if you still want the picture.",
	}},
	aigen.CodeFailedByOperator: {http.StatusConflict, message{
		"An operator stopped this",
		"The credits of the unfinished step were refunded.",
		"Try again. If it happens again, ask whoever runs this service.",
	}},
	aigen.CodeCancelled: {http.StatusConflict, message{
		"You cancelled this", "The credits that were reserved for unfinished work were refunded.", "",
	}},
	aigen.CodeInternal: {http.StatusInternalServerError, message{
		"Something went wrong here",
		"It is our fault, not yours, and it is in the log.",
		"Try again. If it stays, tell your operator the number below.",
	}},

	aigen.CodeNotFound: {http.StatusNotFound, message{
		"There is no such picture", "It may belong to another account, or the address is incomplete.", "Look for it in your History.",
	}},
	codeNoPage: {http.StatusNotFound, message{
		"There is no page here", "The address may have been mistyped.", "Go to Studio, or look in your History.",
	}},
	aigen.CodeInvalidState: {http.StatusConflict, message{
		"That is not possible any more",
		"Something changed after this page was shown, perhaps in another tab.",
		"The page now shows the current state.",
	}},
	aigen.CodeUnknownSample: {http.StatusUnprocessableEntity, message{
		"That sample is gone", "New samples have replaced it.", "Choose one of those that are shown now.",
	}},
	aigen.CodeInvalidInput: {http.StatusUnprocessableEntity, message{"Something is missing", "Please look at the marked fields.", ""}},
	aigen.CodeIdempotencyConflict: {http.StatusConflict, message{
		"This is already on its way", "The same request was sent a moment ago and is still being worked on.", "Wait a moment, then look in your History.",
	}},

	codeNoSample: {http.StatusUnprocessableEntity, message{"No sample is chosen", "Nothing was started and nothing was charged.", "Choose one of the samples, then make the final."}},

	// For operators.
	aigen.CodeDeliveryNotFound: {http.StatusNotFound, message{
		"There is no such delivery", "It was made meanwhile, or given up.", "The list shows what is left.",
	}},
	aigen.CodeDeliveryBusy: {http.StatusConflict, message{
		"This delivery is in progress", "Nothing was changed.", "Look again in a moment.",
	}},
	aigen.CodeForceRequired: {http.StatusConflict, message{
		"Confirmation required",
		"The delivery tells the credit service what was decided about a user's credits. Without it the two accounts differ for good, so nothing was changed.",
		"Retry it; if that can never help, drop it with the box ticked and settle the account by hand.",
	}},

	// Of the page itself.
	codeForeignForm: {http.StatusForbidden, message{
		"This came from another site", "For your safety only pages of this service may do that.", "Open the page here and try again.",
	}},
	codeStaleForm: {http.StatusForbidden, message{
		"This page is out of date", "It was made for another session, so it could not be trusted.", "Load the page again, then try once more. What you typed is kept.",
	}},
	codeBadForm: {http.StatusBadRequest, message{"That could not be read", "The form was too large, or did not arrive whole.", "Shorten the text and try again."}},
	aigen.CodeRateLimited: {http.StatusTooManyRequests, message{
		"A little too fast", "There is a limit to how often you can ask in a minute.", "Wait a moment, then try again.",
	}},
	aigen.CodeQueueFull: {http.StatusTooManyRequests, message{
		"Your queue is full", "You have as many creatives waiting as you may have at a time.", "Wait until one is done, or cancel one, then try again.",
	}},
	web.CodeTooManyStreams: {http.StatusTooManyRequests, message{"Too many open tabs", "Each tab follows along live, up to a limit.", "Close some of them."}},
	web.CodeAuthUnavailable: {http.StatusServiceUnavailable, message{
		"Your sign-in cannot be checked just now", "The service that vouches for you does not answer.", "Wait a moment and load the page again.",
	}},
	web.CodeBusy: {http.StatusServiceUnavailable, message{"Busy", "Many changes came at the same time.", "Try again in a moment."}},
	web.CodeDatabaseUnavailable: {http.StatusServiceUnavailable, message{
		"The service cannot reach its data", "Nothing is lost: it comes back with the database.", "Wait a moment and load the page again.",
	}},
	web.CodeShuttingDown: {http.StatusServiceUnavailable, message{"The service is restarting", "It will be back in a moment.", "Load the page again."}},
}

// messageOf are those of a code; an engine may have codes of its own.
func messageOf(code aigen.Code) message {
	if s, ok := messages[code]; ok {
		return s.message
	}
	return messages[aigen.CodeGenerationFailed].message
}

func statusOf(code aigen.Code) int {
	if s, ok := messages[code]; ok {
		return s.status
	}
	return http.StatusInternalServerError
}
