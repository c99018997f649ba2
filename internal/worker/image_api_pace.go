package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pace is when the image service may be asked, for all jobs of the process: where it says
// that it is busy, none of them asks before it said so, or before a growing while.
type pace struct {
	mu    sync.Mutex
	until time.Time
	turn  int // counts pauses
	row   int // pauses of our own choice since the last good answer
}

// errTooLong is returned for a wait that would outlast the job.
var errTooLong = errors.New("the image service is busy for longer than the job has time")

const (
	pauseLeast = time.Second
	pauseMost  = 30 * time.Second
	// reportTime is what a job keeps of its time to say that it failed, and why.
	reportTime = time.Second
)

// wait returns when the service may be asked, and the turn that this is.
func (p *pace) wait(ctx context.Context) (turn int, err error) {
	for {
		p.mu.Lock()
		until, turn := p.until, p.turn
		p.mu.Unlock()
		left := time.Until(until)
		if left <= 0 {
			return turn, nil
		}
		if end, ok := ctx.Deadline(); ok && end.Add(-reportTime).Before(until) {
			return turn, errTooLong
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return turn, ctx.Err()
		}
	}
}

// now reports whether the turn still is the one that may ask.
func (p *pace) now(turn int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turn == turn
}

// busy takes note that a request of this turn was sent away, to come again after a while,
// zero if none was named. It reports whether that began a pause.
func (p *pace) busy(turn int, after time.Duration) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := turn == p.turn
	if after <= 0 {
		if !first {
			return 0, false // others of that turn have begun the pause
		}
		after = min(pauseLeast<<min(p.row, 10), pauseMost)
		after += rand.N(after / 2) //nolint:gosec // only to come at different times
		p.row++
	} else {
		after += rand.N(100 * time.Millisecond) //nolint:gosec // as above
	}
	if until := time.Now().Add(after); until.After(p.until) {
		p.until = until
	}
	if first {
		p.turn++
	}
	return after, first
}

// good takes note of an answer that was none of these.
func (p *pace) good() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row = 0
}

// retryAfter reads when to ask again: Retry-After in seconds or as a date, OpenAI's own
// headers, or the words of the answer. Zero: it does not say.
func retryAfter(h http.Header, f fault, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil && ms > 0 {
		return seconds(ms / 1000)
	}
	if after := strings.TrimSpace(h.Get("Retry-After")); after != "" {
		if d := parseWait(after); d > 0 {
			return d
		}
		if at, err := http.ParseTime(after); err == nil {
			if date, err := http.ParseTime(h.Get("Date")); err == nil {
				now = date // of the same clock
			}
			return max(0, at.Sub(now))
		}
	}
	if d := resetAfter(h, now); d > 0 {
		return d
	}
	if f.wait > 0 {
		return f.wait
	}
	for _, m := range f.messages {
		if found := tryAgainIn.FindStringSubmatch(m); found != nil {
			unit := strings.ToLower(found[2])
			switch {
			case strings.HasPrefix(unit, "ms"), strings.HasPrefix(unit, "mil"):
				unit = "ms"
			case strings.HasPrefix(unit, "m"):
				unit = "m"
			default:
				unit = "s"
			}
			return parseWait(found[1] + unit)
		}
	}
	return 0
}

var tryAgainIn = regexp.MustCompile(`(?i)(?:try again|retry)(?: again)? (?:in|after) ([0-9]+(?:\.[0-9]+)?) ?(ms|milliseconds?|s\b|secs?|seconds?|m\b|mins?|minutes?)`)

// resetAfter reads x-ratelimit-reset-*: of the limits that are used up, the last to pass.
func resetAfter(h http.Header, now time.Time) (longest time.Duration) {
	for name, values := range h {
		what, ok := strings.CutPrefix(name, "X-Ratelimit-Reset")
		if !ok || len(values) == 0 {
			continue
		}
		if left := h.Get("X-Ratelimit-Remaining" + what); left != "" && left != "0" {
			continue
		}
		d := parseWait(values[0])
		if d > 10*365*24*time.Hour { // a date, as seconds since 1970
			d -= time.Duration(now.Unix()) * time.Second
		}
		longest = max(longest, d)
	}
	return longest
}

// parseWait reads seconds ("20", "0.5") or a duration ("1m0s", "6ms"). Zero: neither.
func parseWait(s string) time.Duration {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return seconds(n)
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return max(0, d)
}

func seconds(n float64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	if !(n > 0) { // also NaN
		return 0
	}
	return time.Duration(min(n, most.Seconds()) * float64(time.Second))
}
