package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one thing that was measured, once in each round.
type figure struct {
	name, unit string
	values     []float64
	baseline   string // name of the figure that it is compared with
	target     string // what it should be, in words
	met        func(value, ratio float64) bool
}

type report struct{ figures []*figure }

// add notes a value. Figures keep the order in which they came first.
func (r *report) add(name, unit string, value float64) {
	i := slices.IndexFunc(r.figures, func(f *figure) bool { return f.name == name })
	if i < 0 {
		i = len(r.figures)
		f := &figure{name: name, unit: unit}
		if a, ok := aims[name]; ok {
			f.baseline, f.target, f.met = a.baseline, a.target, a.met
		}
		r.figures = append(r.figures, f)
	}
	r.figures[i].values = append(r.figures[i].values, value)
	fmt.Fprintf(os.Stderr, "  %-58s %12s %s\n", name, number(value), unit)
}

// times notes the usual quantiles of durations.
func (r *report) times(name string, h *histogram) {
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}} {
		r.add(name+" "+q.name, "ms", float64(h.quantile(q.q))/float64(time.Millisecond))
	}
}

func (f *figure) median() float64 {
	sorted := slices.Sorted(slices.Values(f.values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// ratio compares round by round, since the machine is not the same in all of them;
// 0 where there is nothing to compare with.
func (r *report) ratio(f *figure) float64 {
	i := slices.IndexFunc(r.figures, func(o *figure) bool { return o.name == f.baseline })
	if f.baseline == "" || i < 0 {
		return 0
	}
	base := r.figures[i]
	if len(base.values) != len(f.values) {
		return f.median() / base.median()
	}
	ratios := figure{values: make([]float64, len(f.values))}
	for k := range f.values {
		ratios.values[k] = f.values[k] / base.values[k]
	}
	return ratios.median()
}

// entry is a figure in latest.json.
type entry struct {
	Name     string    `json:"name"`
	Value    float64   `json:"value"`
	Unit     string    `json:"unit"`
	Ratio    float64   `json:"ratio,omitempty"`
	Baseline string    `json:"baseline,omitempty"`
	Target   string    `json:"target,omitempty"`
	Met      *bool     `json:"met,omitempty"`
	Rounds   []float64 `json:"rounds"`
}

func (r *report) entries() []entry {
	list := make([]entry, len(r.figures))
	for i, f := range r.figures {
		e := entry{Name: f.name, Value: f.median(), Unit: f.unit, Ratio: r.ratio(f), Baseline: f.baseline, Target: f.target, Rounds: f.values}
		if e.Ratio == 0 {
			e.Baseline = ""
		}
		if f.met != nil && (f.baseline == "" || e.Ratio > 0) {
			met := f.met(e.Value, e.Ratio)
			e.Met = &met
		}
		list[i] = e
	}
	return list
}

// publish prints the table, writes latest.json, and RESULTS.md where that is wanted.
func (b *bench) publish(ctx context.Context) error {
	machine := describeMachine()
	entries := b.report.entries()
	if err := printTable(os.Stdout, entries); err != nil {
		return err
	}
	about := map[string]any{
		"commit": b.commit, "machine": machine, "at": time.Now().UTC().Format(time.RFC3339), "rounds": b.o.rounds,
		"quick": b.o.quick, "measures": entries,
	}
	raw, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return err
	}
	folder := b.o.output
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(b.root, folder)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "latest.json"), append(raw, '\n'), 0o600); err != nil {
		return err
	}
	if !b.o.record {
		return ctx.Err()
	}
	return b.appendResults(machine, entries)
}

func (b *bench) appendResults(machine string, entries []entry) error {
	f, err := os.OpenFile(filepath.Join(b.root, "bench", "RESULTS.md"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "\n## %s, %s\n\n%s. %d rounds of %s, medians.\n\n", time.Now().UTC().Format(time.DateTime), b.commit, machine, b.o.rounds, b.o.length)
	text.WriteString("| Measure | Value | | Ratio | to | Target |\n| --- | ---: | --- | ---: | --- | --- |\n")
	for _, e := range entries {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s |\n", e.Name, number(e.Value), e.Unit, e.ratioText(), e.Baseline, e.targetText())
	}
	_, err = f.WriteString(text.String())
	return err
}

func printTable(out io.Writer, entries []entry) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tvalue\t\tratio\tto\ttarget\t")
	for _, e := range entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", e.Name, number(e.Value), e.Unit, e.ratioText(), e.Baseline, e.targetText())
	}
	return w.Flush()
}

func (e entry) ratioText() string {
	if e.Ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", e.Ratio)
}

func (e entry) targetText() string {
	switch {
	case e.Met == nil:
		return e.Target
	case *e.Met:
		return e.Target + ": met"
	default:
		return e.Target + ": MISSED"
	}
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// describeMachine says what a reader must know to compare.
func describeMachine() string {
	model := "unknown processor"
	raw, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(raw)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	load, _, _ := strings.Cut(readFile("/proc/loadavg"), " ")
	memory := strings.Fields(readFile("/proc/meminfo"))
	gib := ""
	if len(memory) > 1 {
		var kib float64
		if _, err := fmt.Sscan(memory[1], &kib); err == nil {
			gib = fmt.Sprintf(", %.0f GiB", kib/1024/1024)
		}
	}
	return fmt.Sprintf("%d cores (%s)%s, %s, load %s at the end", runtime.NumCPU(), model, gib, runtime.Version(), load)
}

func readFile(path string) string {
	raw, _ := os.ReadFile(path)
	return string(raw)
}
