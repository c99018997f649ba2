package aigen_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
)

func TestParseCredits(t *testing.T) {
	t.Parallel()
	good := map[string]aigen.Credits{
		"0": 0, "0.00": 0, "-0": 0, "-0.00": 0, "1": 100, "1.5": 150, "0.25": 25, "0.01": 1, "-0.01": -1, "007": 700,
		"1000000000000":     aigen.MaxCredits,
		"1000000000000.00":  aigen.MaxCredits,
		"999999999999.99":   aigen.MaxCredits - 1,
		"-1000000000000.00": -aigen.MaxCredits,
	}
	for s, want := range good {
		got, err := aigen.ParseCredits(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	bad := []string{
		"", "-", ".", "-.", ".5", "1.", "+1", "--1", "1.234", "0.250", "1e2", "1E2", "0x10", "1,000", "1_000", " 1", "1 ", "1\n",
		"1.-5", "1.5.0", "NaN", "Inf", "-Inf", "½", "١", "1000000000000.01", "-1000000000000.01", "10000000000000", "00000000000001",
		"9223372036854775807", "99999999999999999999999999999",
	}
	for _, s := range bad {
		got, err := aigen.ParseCredits(s)
		require.ErrorIs(t, err, aigen.ErrCredits, "%q", s)
		assert.Zero(t, got, "%q", s)
	}
}

// TestCreditsMeanWhatTheySay compares with exact arithmetic on the decimal.
func TestCreditsMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := aigen.Credits(rapid.Int64Range(-int64(aigen.MaxCredits), int64(aigen.MaxCredits)).Draw(t, "hundredths"))
		back, err := aigen.ParseCredits(c.String())
		require.NoError(t, err)
		require.Equal(t, c, back)
		decimal, ok := new(big.Rat).SetString(c.String())
		require.True(t, ok)
		require.Zero(t, decimal.Cmp(big.NewRat(int64(c), 100)), "%d is not %s", c, decimal)
	})
}

func TestCreditsString(t *testing.T) {
	t.Parallel()
	for c, want := range map[aigen.Credits]string{
		0: "0.00", 1: "0.01", 10: "0.10", 25: "0.25", 100: "1.00", -1: "-0.01", -25: "-0.25", -100: "-1.00", -12345: "-123.45",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		assert.Equal(t, want, c.String())
	}
}

func TestCreditsInJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(aigen.CreditTotals{Reserved: 125, Deducted: 100, Refunded: 25})
	require.NoError(t, err)
	assert.JSONEq(t, `{"reserved":"1.25","deducted":"1.00","refunded":"0.25"}`, string(b), "strings, never floats")
	var totals aigen.CreditTotals
	require.NoError(t, json.Unmarshal(b, &totals))
	assert.Equal(t, aigen.CreditTotals{Reserved: 125, Deducted: 100, Refunded: 25}, totals)
	for _, bad := range []string{`0.25`, `1`, `""`, `"0.255"`, `true`, `{}`} {
		c := aigen.Credits(7)
		require.Error(t, json.Unmarshal([]byte(bad), &c), bad)
		assert.Equal(t, aigen.Credits(7), c, bad)
	}
}

func TestPricing(t *testing.T) {
	t.Parallel()
	p := aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200}
	for n, want := range map[int]aigen.Credits{1: 25, 4: 100, aigen.MaxSamples: 200} {
		assert.Equal(t, want, p.SamplesRun(n))
	}
	for size, want := range map[aigen.Resolution]aigen.Credits{
		{}:                          100,
		{Width: 64, Height: 64}:     100,
		{Width: 2048, Height: 2048}: 100,
		{Width: 2049, Height: 64}:   200,
		{Width: 64, Height: 2049}:   200,
		{Width: 2048, Height: 2049}: 200,
		{Width: 4096, Height: 4096}: 200,
	} {
		assert.Equal(t, want, p.FinalRun(size), size)
	}
}

func TestReservationEnds(t *testing.T) {
	t.Parallel()
	for s, want := range map[aigen.ReservationState]bool{
		aigen.ReservationPending: false, aigen.ReservationHeld: false, aigen.ReservationReleasing: false,
		aigen.ReservationDeducted: true, aigen.ReservationRefunded: true, aigen.ReservationRefused: true,
	} {
		assert.Equal(t, want, s.Ended(), s)
	}
}
