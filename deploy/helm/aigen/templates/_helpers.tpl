{{- define "aigen.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "aigen.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "aigen.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "aigen.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "aigen.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aigen.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aigen.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "aigen.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "aigen.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "aigen.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "aigen.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "aigen.secretName" -}}
{{- .Values.secrets.existingSecret | default (include "aigen.fullname" .) }}
{{- end }}

{{/* The names of the settings that come from the Secret, as a JSON object {"names": […]}. */}}
{{- define "aigen.secretKeys" -}}
{{- $keys := ternary .Values.secrets.keys (keys .Values.secrets.values) (not (empty .Values.secrets.existingSecret)) -}}
{{- dict "names" (sortAlpha $keys) | toJson -}}
{{- end }}

{{/* "true" if the setting of this name is given: include "aigen.given" (list . "NAME"). */}}
{{- define "aigen.given" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $secret := has $name (include "aigen.secretKeys" $root | fromJson).names -}}
{{- if or $secret (get $root.Values.config $name) }}true{{ end -}}
{{- end }}

{{/* "true" if the database is SQLite. */}}
{{- define "aigen.sqlite" -}}
{{- if not (include "aigen.given" (list . "DATABASE_URL")) }}true{{ end -}}
{{- end }}

{{/* "true" if the engine in the process makes the pictures. */}}
{{- define "aigen.embeddedEngine" -}}
{{- if not (or (include "aigen.given" (list . "RABBITMQ_URL")) (include "aigen.given" (list . "N8N_WEBHOOK_URL"))) }}true{{ end -}}
{{- end }}

{{/* "true" if /data holds what must not be lost. */}}
{{- define "aigen.keepsData" -}}
{{- if or (include "aigen.sqlite" .) (include "aigen.embeddedEngine" .) }}true{{ end -}}
{{- end }}

{{/* "true" if pods must not run beside each other: they would share one volume. */}}
{{- define "aigen.alone" -}}
{{- if or (include "aigen.sqlite" .) (and (include "aigen.embeddedEngine" .) (ne .Values.persistence.accessMode "ReadWriteMany")) }}true{{ end -}}
{{- end }}

{{- define "aigen.claim" -}}
{{- .Values.persistence.existingClaim | default (include "aigen.fullname" .) }}
{{- end }}

{{- define "aigen.callbackBaseURL" -}}
{{- if .Values.config.CALLBACK_BASE_URL }}
{{- .Values.config.CALLBACK_BASE_URL }}
{{- else if and .Values.ingress.enabled (include "aigen.embeddedEngine" .) }}
{{- ternary "https" "http" (not (empty .Values.ingress.tls)) }}://{{ first .Values.ingress.hosts }}
{{- else }}
{{- $port := int .Values.service.port -}}
http://{{ include "aigen.fullname" . }}.{{ .Release.Namespace }}.svc{{ if ne $port 80 }}:{{ $port }}{{ end }}
{{- end }}
{{- end }}
