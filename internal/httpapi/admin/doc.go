// Package admin serves the admin API, for operators: deliveries, all generations with
// their timelines, statistics, health and settings. httpapi lets operators through to it
// alone, and has all that routes have in common.
package admin
