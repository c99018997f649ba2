// Package licenses holds the licences of what the program is made of besides its own
// code: they want to be given out with every copy of it.
package licenses

import _ "embed"

//go:generate go run ./gen

// ThirdParty names each module, Go's own library and the files that pages load, with
// the text of its licence.
//
//go:embed THIRD-PARTY.txt
var ThirdParty string
