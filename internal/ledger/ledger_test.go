package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
)

const initial = 100

var user = aigen.ID{1}

// book is the simplest store: it keeps every entry.
type book struct {
	account ledger.Account
	entries []ledger.Entry
}

func (b *book) post(p ledger.Posting) (int, error) {
	var h ledger.History
	h.AddEntries(b.entries, p)
	entries, err := ledger.Post(&b.account, initial, h, p)
	b.entries = append(b.entries, entries...)
	return len(entries), err
}

func posting(kind ledger.Kind, run byte, amount aigen.Credits) ledger.Posting {
	return ledger.Posting{Kind: kind, UserID: user, RunID: aigen.ID{run}, Amount: amount, At: time.Unix(1, 0)}
}

func TestFirstPostingOpensTheAccount(t *testing.T) {
	t.Parallel()
	b := &book{}
	n, err := b.post(posting(ledger.Reserve, 1, 30))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, ledger.Open, b.entries[0].Kind)
	require.Equal(t, ledger.Account{Opened: true, Balance: initial, Held: 30}, b.account)
	require.Equal(t, aigen.Credits(70), b.account.Available())
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	reserved := posting(ledger.Reserve, 1, 30)
	deducted := posting(ledger.Deduct, 1, 30)
	other := posting(ledger.Refund, 1, 30)
	other.UserID = aigen.ID{2}
	for name, tc := range map[string]struct {
		h    ledger.History
		p    ledger.Posting
		code aigen.Code
	}{
		"not enough":      {ledger.History{}, posting(ledger.Reserve, 1, initial+1), aigen.CodeInsufficientCredits},
		"nothing":         {ledger.History{}, posting(ledger.Reserve, 1, 0), aigen.CodeInternal},
		"negative":        {ledger.History{}, posting(ledger.Reserve, 1, -1), aigen.CodeInternal},
		"too much":        {ledger.History{}, posting(ledger.Grant, 1, aigen.MaxCredits+1), aigen.CodeInternal},
		"another amount":  {ledger.History{Reserved: &reserved}, posting(ledger.Reserve, 1, 31), aigen.CodeInternal},
		"another user":    {ledger.History{Reserved: &reserved}, other, aigen.CodeInternal},
		"never reserved":  {ledger.History{}, deducted, aigen.CodeInternal},
		"both ends":       {ledger.History{Reserved: &reserved, Settled: &deducted}, posting(ledger.Refund, 1, 30), aigen.CodeInternal},
		"unknown kind":    {ledger.History{}, posting("gift", 1, 1), aigen.CodeInternal},
		"opened by hand":  {ledger.History{}, posting(ledger.Open, 1, 1), aigen.CodeInternal},
		"settled amount":  {ledger.History{Reserved: &reserved}, posting(ledger.Deduct, 1, 29), aigen.CodeInternal},
		"late other side": {ledger.History{Reserved: &reserved, Settled: &deducted}, other, aigen.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ledger.Account{}
			entries, err := ledger.Post(&a, initial, tc.h, tc.p)
			require.Equal(t, tc.code, aigen.CodeOf(err))
			require.Empty(t, entries)
			require.Zero(t, a, "a refused posting changes nothing")
		})
	}
}

func TestGrantsByReference(t *testing.T) {
	t.Parallel()
	b := &book{}
	grant := ledger.Posting{Kind: ledger.Grant, UserID: user, Amount: 5, Reference: "campaign"}
	for range 3 {
		_, err := b.post(grant)
		require.NoError(t, err)
	}
	require.Equal(t, aigen.Credits(initial+5), b.account.Balance)
	grant.Reference = "another"
	_, err := b.post(grant)
	require.NoError(t, err)
	require.Equal(t, aigen.Credits(initial+10), b.account.Balance)
}

func TestBalanceIsBounded(t *testing.T) {
	t.Parallel()
	a := ledger.Account{Opened: true, Balance: 1000*aigen.MaxCredits - 1}
	_, err := ledger.Post(&a, 0, ledger.History{}, posting(ledger.Grant, 1, 2))
	require.Equal(t, aigen.CodeInternal, aigen.CodeOf(err))
}

// Whatever is posted in whatever order: nothing is held beyond the balance, each run is
// reserved and settled at most once, a repeat adds no entry, and the last entry equals the
// account, which equals the sum of the entries.
func TestPostProperties(t *testing.T) {
	t.Parallel()
	kinds := []ledger.Kind{ledger.Reserve, ledger.Reserve, ledger.Deduct, ledger.Refund, ledger.Grant}
	rapid.Check(t, func(t *rapid.T) {
		b := &book{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			p := posting(rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.Byte().Draw(t, "run")%5, aigen.Credits(rapid.IntRange(1, 40).Draw(t, "amount")))
			before := b.account
			n, err := b.post(p)
			if err != nil && b.account != before {
				t.Fatalf("%s was refused and changed the account", p.Kind)
			}
			if err == nil {
				if again, err := b.post(p); err != nil || again != 0 {
					t.Fatalf("%s, repeated after %d entries: %d entries, %v", p.Kind, n, again, err)
				}
			}
			check(t, b)
		}
	})
}

func check(t *rapid.T, b *book) {
	if b.account.Held < 0 || b.account.Available() < 0 {
		t.Fatalf("%+v", b.account)
	}
	var sum ledger.Account
	reserved, settled := map[aigen.ID]int{}, map[aigen.ID]int{}
	for _, e := range b.entries {
		switch e.Kind {
		case ledger.Open, ledger.Grant:
			sum.Balance += e.Amount
		case ledger.Reserve:
			sum.Held += e.Amount
			reserved[e.RunID]++
		case ledger.Deduct:
			sum.Balance -= e.Amount
			sum.Held -= e.Amount
			settled[e.RunID]++
		case ledger.Refund:
			sum.Held -= e.Amount
			settled[e.RunID]++
		}
		if e.Balance != sum.Balance || e.Held != sum.Held {
			t.Fatalf("entry %+v, the sum is %+v", e, sum)
		}
	}
	sum.Opened = len(b.entries) > 0
	if sum != b.account {
		t.Fatalf("the account is %+v, the sum of its entries %+v", b.account, sum)
	}
	for run, n := range reserved {
		if n > 1 || settled[run] > 1 {
			t.Fatalf("run %s: %d reservations, %d ends", run, n, settled[run])
		}
	}
}
