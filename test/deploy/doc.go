// Package deploy holds what people install to what the program really is: alerts and
// dashboard to the metrics of a scrape, the chart and compose.yaml to the settings,
// runbooks to the alerts. `make check-deploy` does the same with the tools of the
// field (promtool, helm, kubeconform, docker-compose); these tests need none.
package deploy
