package worker

import (
	"net/http"
	"slices"
	"strings"
)

// What servers call it when they refuse the content. Codes are compared in lower case and
// without marks between the words: content_policy_violation (OpenAI, Fal), contentFilter
// and ResponsibleAIPolicyViolation (Azure), IMAGE_SAFETY and PROHIBITED_CONTENT (Gemini),
// content_moderation and CONTENT_FILTERED (Stability), Request Moderated (Black Forest
// Labs), DataInspectionFailed (DashScope), OutputImageSensitiveContentDetected (Ark) …
var (
	contentCodes = []string{
		"moderation", "moderated", "contentpolicy", "contentfilter", "contentviolation", "policyviolation", "safety",
		"prohibitedcontent", "prohibitedprompt", "sensitivecontent", "contentsensitive", "sensitiveword", "sensitiveinput",
		"responsibleai", "nsfw", "datainspection", "blocklist", "contentblocked", "blockedcontent", "promptblocked",
		"blockedprompt", "flagged", "inappropriate", "unsafe", "contentrejected", "contentrefused", "rejectedcontent",
		"contentprohibited", "contentforbidden", "forbiddencontent", "disallowedcontent", "contentnotallowed", "contentrestricted",
		"promptrejected", "promptfilter", "promptunsafe", "illegaldetected", "illegalcontent", "imagerecitation", "harmful",
		"guardrail", "contentrisk", "riskcontent", "contentreview", "censor", "usagepolicy",
	}
	// Not what was refused, but what should have looked at it.
	notContentCodes = []string{
		"unavailable", "timeout", "serviceerror", "servererror", "quota", "ratelimit", "unsupported", "unknownparam", "config",
		"notfound", "notenabled",
	}
	contentPhrases = []string{
		"content policy", "content policies", "content_policy", "contentpolicy", "content management policy", "content moderation",
		"content_moderation", "content filter", "content_filter", "content restriction", "moderation system", "moderation_blocked",
		"by moderation", "moderation policy", "safety system", "safety filter", "safety check", "safety polic", "safety guideline",
		"safety reasons", "nsfw", "not safe for work", "was flagged", "been flagged", "were flagged", "flagged as", "flagged by",
		"prohibited content", "content is prohibited", "usage polic", "violates our", "violate our", "violates the polic",
		"policy violation", "sensitive content", "sensitive information", "sensitive word", "inappropriate content", "unsafe content",
		"explicit content", "harmful content", "responsible ai", "content guideline", "community guideline",
	}
	// An account that is blocked, a check that is out of order: the words may be fine.
	notContentPhrases = []string{
		"temporarily blocked", "account", "your resource", "organization", "unavailable", "timed out", "timeout", "api key",
		"unknown parameter", "unrecognized", "unsupported", "not supported", "failed to load", "could not load", "cannot load",
		"not permitted", "unexpected keyword",
	}
)

// isContentCode reports whether a code says that the content is refused.
func isContentCode(code string) bool {
	code = plainName(code)
	return code == "spii" || code == "recitation" || code == "1301" ||
		containsAny(code, contentCodes) && !containsAny(code, notContentCodes)
}

func containsAny(s string, signs []string) bool {
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(s, sign) })
}

// aboutContent reports whether the server refuses the content and not the request. The
// prompt is left out of what is read: it may be about anything.
func (f fault) aboutContent(prompt string) bool {
	switch f.status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooEarly,
		http.StatusTooManyRequests:
		return false
	}
	if slices.Contains(f.params, "moderation") {
		return false // gpt-image models have a parameter of that name
	}
	if slices.ContainsFunc(f.codes, isContentCode) {
		return true
	}
	if f.status == http.StatusUnavailableForLegalReasons && !f.says(prompt, []string{"country", "region", "territor", "location"}) {
		return true
	}
	if f.status > http.StatusInternalServerError {
		return false
	}
	return f.says(prompt, contentPhrases) && !f.says(prompt, notContentPhrases)
}

// says reports whether a message has one of the phrases.
func (f fault) says(prompt string, phrases []string) bool {
	for _, m := range f.messages {
		if prompt != "" {
			m = strings.ReplaceAll(m, prompt, "")
		}
		if containsAny(strings.ToLower(m), phrases) {
			return true
		}
	}
	return false
}

// What servers call an account without money. The other 429s pass by themselves.
var (
	quotaCodes = []string{
		"insufficientquota", "insufficientbalance", "insufficientcredit", "insufficientfund", "insufficientuserquota", "billing",
		"creditbalance", "exceededcurrentquota", "paymentrequired", "arrearage", "overdue", "outofcredit", "nocredit", "hardlimit",
		"spendlimit", "preconsumetokenquotafailed",
	}
	quotaPhrases = []string{
		"exceeded your current quota", "insufficient balance", "insufficient credit", "insufficient fund", "out of credit",
		"not enough credit", "billing hard limit", "payment required", "credit balance is too low",
	}
)

// aboutMoney reports whether the account at the server can pay for nothing more.
func (f fault) aboutMoney() bool {
	return f.status == http.StatusPaymentRequired || f.says("", quotaPhrases) ||
		slices.ContainsFunc(f.codes, func(code string) bool { return containsAny(plainName(code), quotaCodes) })
}
