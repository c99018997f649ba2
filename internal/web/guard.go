package web

// Guard says who may call a route.
type Guard int

// The guards of routes.
const (
	GuardNone     Guard = iota // everybody
	GuardUser                  // a user; the request counts against the user's rate
	GuardOperator              // likewise, and an operator
)
