package deploy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A light reading of PromQL: which series a query selects, and which labels it groups
// by. It does not judge the grammar; promtool does, in `make check-deploy`.

// matcher is one condition on a label, such as status=~"5..".
type matcher struct{ label, op, value string }

// selector is a metric with conditions. A line of a scrape reads as one too.
type selector struct {
	name     string
	matchers []matcher
}

// query is what is of interest in a PromQL expression.
type query struct {
	selectors []selector
	labels    []string // of by, without, on, ignoring, group_left, group_right
}

var (
	promToken = regexp.MustCompile("\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|`[^`]*`" +
		`|[a-zA-Z_][a-zA-Z0-9_:]*|=~|!~|!=|==|<=|>=|[0-9][0-9a-zA-Z.]*|\S`)
	promName  = regexp.MustCompile(`^[a-zA-Z_]`)
	listing   = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	operators = []string{"and", "or", "unless", "bool", "offset", "atan2", "group_left", "group_right"}
)

// parse reads an expression.
func parse(expr string) (query, error) {
	r := reader{tokens: promToken.FindAllString(expr, -1)}
	var q query
	for r.more() {
		token := r.next()
		switch {
		case slices.Contains(listing, token) && r.peek() == "(":
			q.labels = append(q.labels, r.list()...)
		case token == "{":
			return q, fmt.Errorf("a selector without a metric in %s", expr)
		case !promName.MatchString(token), slices.Contains(operators, token),
			r.peek() == "(", slices.Contains(listing, r.peek()): // no metric: sum by (…), rate(…)
		default:
			s := selector{name: token}
			if r.peek() == "{" {
				var err error
				if s.matchers, err = r.matchers(); err != nil {
					return q, fmt.Errorf("%w in %s", err, expr)
				}
			}
			q.selectors = append(q.selectors, s)
		}
	}
	return q, nil
}

type reader struct{ tokens []string }

func (r *reader) more() bool { return len(r.tokens) > 0 }

func (r *reader) peek() string {
	if r.more() {
		return r.tokens[0]
	}
	return ""
}

func (r *reader) next() string {
	token := r.peek()
	r.tokens = r.tokens[min(1, len(r.tokens)):]
	return token
}

// list reads (a, b).
func (r *reader) list() (names []string) {
	for r.next(); r.more(); {
		switch token := r.next(); token {
		case ")":
			return names
		case ",":
		default:
			names = append(names, token)
		}
	}
	return names
}

// matchers reads {a="x", b=~"y"}.
func (r *reader) matchers() ([]matcher, error) {
	var out []matcher
	for r.next(); r.more(); {
		switch token := r.next(); token {
		case "}":
			return out, nil
		case ",":
		default:
			m := matcher{label: token, op: r.next()}
			quoted := r.next()
			value, err := strconv.Unquote(quoted)
			if err != nil || !slices.Contains([]string{"=", "!=", "=~", "!~"}, m.op) {
				return nil, fmt.Errorf("no condition: %s%s%s", m.label, m.op, quoted)
			}
			m.value = value
			out = append(out, m)
		}
	}
	return nil, errors.New("no end of the conditions")
}

// label is the value that a line of a scrape has, "" if none.
func (s selector) label(name string) string {
	for _, m := range s.matchers {
		if m.label == name {
			return m.value
		}
	}
	return ""
}

func (s selector) labels() (names []string) {
	for _, m := range s.matchers {
		names = append(names, m.label)
	}
	return names
}

// selects reports whether a query's selector takes a series of the scrape. Labels in
// skip are not looked at, and a pattern that is none takes nothing.
func (s selector) selects(series selector, skip []string) bool {
	if s.name != series.name {
		return false
	}
	for _, m := range s.matchers {
		if slices.Contains(skip, m.label) {
			continue
		}
		have := series.label(m.label)
		hit := have == m.value
		if strings.HasSuffix(m.op, "~") {
			pattern, err := regexp.Compile("^(?:" + m.value + ")$")
			if err != nil {
				return false
			}
			hit = pattern.MatchString(have)
		}
		if hit == strings.HasPrefix(m.op, "!") {
			return false
		}
	}
	return true
}

func TestParse(t *testing.T) {
	t.Parallel()
	q, err := parse(`sum by (le, route) (rate(a_total{x="1",y=~"a|b{id}"}[5m:1m] offset 5m)) / on (job) group_left b > 0.5 and c{} unless ignoring(z) max(d) == bool 1`)
	require.NoError(t, err)
	require.Equal(t, []selector{
		{name: "a_total", matchers: []matcher{{"x", "=", "1"}, {"y", "=~", "a|b{id}"}}}, {name: "b"}, {name: "c"}, {name: "d"},
	}, q.selectors)
	require.Equal(t, []string{"le", "route", "job", "z"}, q.labels)
	for _, bad := range []string{`{job="x"}`, `a{b="x"`, `a{b}`, `a{b>"x"}`} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}
