package jsonscan

// PlainJSON and CheckClosely are the short and the long way to check a body.
func PlainJSON(b []byte, whole bool) bool { return plainJSON(b, Rules{RejectLoneSurrogates: whole}) }

// CheckClosely is the long way.
func CheckClosely(b []byte, whole bool) error {
	return checkClosely(b, Rules{RejectLoneSurrogates: whole})
}

// DecodedCanonical is the long way to the one form.
var DecodedCanonical = decodedCanonical
