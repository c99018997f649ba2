#!/usr/bin/env bash
# Holds compose.yaml, the alerts, the dashboard and the chart to the tools of the field.
# `make check-deploy` names them: HELM and KUBECONFORM (built into .cache/bin), SCHEMAS
# (a folder of JSON schemas), and promtool and docker-compose of Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
chart=deploy/helm/aigen
step() { printf '\n== %s\n' "$1"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. test/deploy/packages.sh
need promtool=prometheus docker-compose=docker-compose

step "alerts"
promtool check rules deploy/prometheus/alerts.yaml
promtool test rules test/deploy/alerts.test.yaml

step "the dashboard's queries, as rules"
go run ./test/deploy/panels deploy/grafana/aigen.json >"$work/panels.yaml"
promtool check rules "$work/panels.yaml"

step "compose.yaml"
# Required values that are empty are refused; with them it is understood.
sed -E 's/^([A-Z0-9_]+)=$/\1=0123456789abcdef0123456789abcdef/' .env.example >"$work/filled.env"
for env in "$work/filled.env" .env.example; do
  said=$(docker-compose --env-file "$env" --file compose.yaml config --quiet 2>&1) && ok=yes || ok=no
  case $env-$ok in
    .env.example-no) [[ $said == *"see .env.example"* ]] || { echo "$said" >&2; exit 1; } ;;
    .env.example-yes) echo "compose.yaml takes empty secrets" >&2; exit 1 ;;
    *-no) echo "$said" >&2; exit 1 ;;
  esac
done
echo "understood"

step "the chart"
conforms() { "$KUBECONFORM" -strict -summary -schema-location "$SCHEMAS/{{.ResourceKind}}{{.KindSuffix}}.json" "$@"; }
for values in "$chart"/ci/*-values.yaml; do
  "$HELM" lint --strict --quiet --kube-version 1.35.0 "$chart" --values "$values"
  for version in 1.30.0 1.35.0; do
    "$HELM" template aigen "$chart" --namespace prod --kube-version "$version" --values "$values" >"$work/manifests.yaml"
    conforms "$work/manifests.yaml"
  done
done
# A check that lets everything pass would look just the same.
if sed 's/revisionHistoryLimit/revisionHistoryLimits/' "$work/manifests.yaml" | conforms >/dev/null; then
  echo "check-deploy: kubeconform takes a field that Kubernetes does not know" >&2; exit 1
fi
AIGEN_HELM=$HELM go test -count=1 ./test/deploy ./test/deploy/chart
