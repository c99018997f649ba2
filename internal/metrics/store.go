package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// storeCollector shows the store's Stats when somebody scrapes.
type storeCollector struct {
	stats  *snapshot
	errors prometheus.Counter

	generations, depth, dead, oldest *prometheus.Desc
	reservations, credits, longest   *prometheus.Desc
}

func newStoreCollector(stats func(context.Context) (app.Stats, error), log *slog.Logger) *storeCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &storeCollector{
		stats: newSnapshot(stats, log),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aigen_scrape_errors_total",
			Help: "Scrapes without the numbers of the store, because it failed or gave no answer in time.",
		}),
		generations: desc("aigen_generations", "Generations in the store, by status.", "status"),
		depth: desc("aigen_outbox_depth",
			"Outbox rows that wait or are being delivered, by lane.", "lane"),
		dead: desc("aigen_outbox_dead",
			"Outbox rows that were given up on and need a person (aigen deliveries retry), by lane.", "lane"),
		oldest: desc("aigen_outbox_oldest_age_seconds",
			"Age of the oldest outbox row that is not dead, in seconds, by lane; 0 if there is none.", "lane"),
		reservations: desc("aigen_reservations_open",
			"Reservations that are neither deducted nor refunded nor refused."),
		credits: desc("aigen_reservations_open_credits",
			"Sum of the open reservations, in credits."),
		longest: desc("aigen_reservations_oldest_age_seconds",
			"Age of the oldest open reservation, in seconds; 0 if there is none."),
	}
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.generations, c.depth, c.dead, c.oldest, c.reservations, c.credits, c.longest} {
		ch <- d
	}
	c.errors.Describe(ch)
}

// Collect implements prometheus.Collector. Without an answer of the store it shows
// nothing of it: an old number would pass for a new one.
func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.stats.get()
	if err != nil {
		c.errors.Inc()
	} else {
		c.show(ch, s, c.stats.now())
	}
	c.errors.Collect(ch)
}

func (c *storeCollector) show(ch chan<- prometheus.Metric, s app.Stats, now time.Time) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	age := func(since time.Time) float64 {
		if since.IsZero() {
			return 0
		}
		return seconds(now.Sub(since))
	}
	for _, status := range aigen.Statuses() {
		gauge(c.generations, float64(s.Generations[status]), string(status))
	}
	rows := map[outbox.Queue]outbox.QueueStats{} // a lane that the store says nothing of is empty
	for _, l := range s.Outbox {
		rows[l.Queue] = l
	}
	for _, lane := range outbox.Queues() {
		gauge(c.depth, float64(rows[lane].Depth), string(lane))
		gauge(c.dead, float64(rows[lane].Dead), string(lane))
		gauge(c.oldest, age(rows[lane].Oldest), string(lane))
	}
	gauge(c.reservations, float64(s.Reservations.Open))
	gauge(c.credits, float64(s.Reservations.Amount)/100) // for a chart: no sum is built on it
	gauge(c.longest, age(s.Reservations.Oldest))
}
