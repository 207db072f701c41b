{{- define "spanledger.image" -}}
{{ .root.Values.image.repository }}:{{ with .root.Values.image.tag }}{{ . }}-{{ end }}{{ .target }}
{{- end }}
{{- define "spanledger.labels" -}}
app.kubernetes.io/name: spanledger
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "spanledger.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: { runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: { type: RuntimeDefault } }
{{- end }}
{{- define "spanledger.container" -}}
securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
{{- end }}
