// Package chart tests what Helm makes of the chart, with Helm itself: `make
// check-deploy` installs it and runs these tests; without it they are skipped.
package chart
