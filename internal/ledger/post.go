package ledger

import (
	"fmt"

	"github.com/creativeflow/aigen"
)

// maxBalance keeps sums of balances within 64 bits. A larger balance is a mistake.
const maxBalance = 1000 * aigen.MaxCredits

// Post applies p to a, whose user starts with initial credits, and returns the entries to
// append: none if p repeats a posting of h. On an error a is unchanged.
//
// The error is an *aigen.Error: CodeInsufficientCredits, or CodeInternal for a posting that
// must not exist (an amount out of range, a contradiction to h, an unknown kind).
func Post(a *Account, initial aigen.Credits, h History, p Posting) ([]Entry, error) {
	if p.Amount <= 0 || p.Amount > aigen.MaxCredits {
		return nil, Fault("an amount must be positive and within bounds", fmt.Sprintf("%s %s", p.Kind, p.Amount))
	}
	repeat, err := repeats(h, p)
	if err != nil || repeat {
		return nil, err
	}
	after := *a
	var entries []Entry
	if !after.Opened {
		after.Opened, after.Balance = true, initial
		open := Posting{Kind: Open, UserID: p.UserID, Amount: initial, At: p.At}
		entries = append(entries, Entry{Posting: open, Balance: after.Balance, Held: after.Held})
	}
	if err := after.apply(p); err != nil {
		return nil, err
	}
	*a = after
	return append(entries, Entry{Posting: p, Balance: a.Balance, Held: a.Held}), nil
}

func (a *Account) apply(p Posting) error {
	switch p.Kind {
	case Reserve:
		if available := a.Available(); available < p.Amount {
			return insufficient(p.Amount, available)
		}
		a.Held += p.Amount
	case Deduct:
		a.Held -= p.Amount
		a.Balance -= p.Amount
	case Refund:
		a.Held -= p.Amount
	case Grant:
		if a.Balance+p.Amount > maxBalance {
			return Fault("the balance would be too large", p.Amount.String())
		}
		a.Balance += p.Amount
	case Open:
		return Fault("an account is opened by its first posting", string(p.Kind))
	default:
		return Fault("unknown kind of posting", string(p.Kind))
	}
	return nil
}

// repeats reports whether p was applied before; an error if h does not allow p.
func repeats(h History, p Posting) (bool, error) {
	switch p.Kind {
	case Grant:
		return h.Granted, nil
	case Reserve, Deduct, Refund:
	case Open:
		return false, nil
	default:
		return false, nil
	}
	about := fmt.Sprintf("run %s: %s %s", p.RunID, p.Kind, p.Amount)
	switch {
	case h.Reserved != nil && (h.Reserved.Amount != p.Amount || h.Reserved.UserID != p.UserID):
		return false, Fault("the run has another reservation", about+" after "+h.Reserved.Amount.String())
	case p.Kind == Reserve:
		return h.Reserved != nil, nil
	case h.Reserved == nil:
		return false, Fault("the run was never reserved", about)
	case h.Settled != nil && h.Settled.Kind != p.Kind:
		return false, Fault("the run was settled otherwise", about+" after "+string(h.Settled.Kind))
	}
	return h.Settled != nil, nil
}

func insufficient(amount, available aigen.Credits) *aigen.Error {
	return &aigen.Error{
		Code:    aigen.CodeInsufficientCredits,
		Message: "You do not have enough credits for this. Add credits and try again.",
		Detail:  fmt.Sprintf("needs %s, available %s", amount, available),
	}
}

// Fault is the error for a posting that must not exist: a defect of ours.
func Fault(why, about string) *aigen.Error {
	return &aigen.Error{
		Code: aigen.CodeInternal, Message: "The credits could not be booked.", Detail: why + ": " + about,
	}
}
