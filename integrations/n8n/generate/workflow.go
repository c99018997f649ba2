package main

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// workflow is a workflow as n8n exports and imports it.
type workflow struct {
	ID          string                           `json:"id"`
	Name        string                           `json:"name"`
	Active      bool                             `json:"active"`
	Nodes       []*node                          `json:"nodes"`
	Connections map[string]map[string][][]target `json:"connections"`
	Settings    map[string]any                   `json:"settings"`
	PinData     map[string]any                   `json:"pinData"`

	code func(string) (string, error)
	left float64 // columns that nodes are placed to the left of where they say
	err  error
}

type node struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Type        string         `json:"type"`
	TypeVersion float64        `json:"typeVersion"`
	Position    [2]int         `json:"position"`
	Parameters  params         `json:"parameters"`
	Credentials map[string]ref `json:"credentials,omitempty"`
	WebhookID   string         `json:"webhookId,omitempty"`
	Notes       string         `json:"notes,omitempty"`
	NotesInFlow bool           `json:"notesInFlow,omitempty"`

	OnError          string `json:"onError,omitempty"`
	RetryOnFail      bool   `json:"retryOnFail,omitempty"`
	MaxTries         int    `json:"maxTries,omitempty"`
	WaitBetweenTries int    `json:"waitBetweenTries,omitempty"` // milliseconds
	ExecuteOnce      bool   `json:"executeOnce,omitempty"`
}

type params map[string]any

// ref names a credential. Its content is never in a workflow.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type target struct {
	Node  string `json:"node"`
	Type  string `json:"type"`
	Index int    `json:"index"`
}

// id is a UUID that is the same at each run.
func (w *workflow) id(of string) string {
	h := sha256.Sum256([]byte(w.ID + "/" + of))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// add places a node on a grid.
func (w *workflow) add(name, kind string, version float64, column, row float64, p params) *node {
	n := &node{
		ID: w.id(name), Name: name, Type: "n8n-nodes-base." + kind, TypeVersion: version,
		Position: [2]int{int((column - w.left) * 224), int(row * 176)}, Parameters: p,
	}
	w.Nodes = append(w.Nodes, n)
	return n
}

// connect joins output number from of a node to others; n8n runs them in the order of
// their height.
func (w *workflow) connect(from string, output int, to ...string) {
	if w.Connections[from] == nil {
		w.Connections[from] = map[string][][]target{}
	}
	outputs := w.Connections[from]["main"]
	for len(outputs) <= output {
		outputs = append(outputs, []target{})
	}
	for _, name := range to {
		outputs[output] = append(outputs[output], target{Node: name, Type: "main"})
	}
	w.Connections[from]["main"] = outputs
}

// chain joins the first outputs of nodes one after the other.
func (w *workflow) chain(names ...string) {
	for i := range len(names) - 1 {
		w.connect(names[i], 0, names[i+1])
	}
}

// js adds a Code node whose code is that of files one after the other.
func (w *workflow) js(name string, column, row float64, files ...string) *node {
	var parts []string
	for _, file := range files {
		part, err := w.code(file)
		if err != nil && w.err == nil {
			w.err = err
		}
		parts = append(parts, strings.TrimSpace(part))
	}
	return w.add(name, "code", 2, column, row, params{"jsCode": strings.Join(parts, "\n\n")})
}

// fails sends what goes wrong in a node to its error output, which is its last.
func (n *node) fails() { n.OnError = "continueErrorOutput" }

// mayFail lets the workflow go on where a node fails.
func (n *node) mayFail() *node {
	n.OnError = "continueRegularOutput"
	return n
}

// retries lets a node try three times.
func (n *node) retries(waitMilliseconds int) *node {
	n.RetryOnFail, n.MaxTries, n.WaitBetweenTries = true, 3, waitMilliseconds
	return n
}

func (n *node) needs(kind, id, name string) *node {
	n.Credentials = map[string]ref{kind: {id, name}}
	return n
}

// setting is a line of the Settings node.
type setting struct{ name, value string }

func (w *workflow) settings(column, row float64, lines ...setting) {
	assignments := make([]params, len(lines))
	for i, l := range lines {
		assignments[i] = params{"id": w.id("setting " + l.name), "name": "settings." + l.name, "value": l.value, "type": "string"}
	}
	w.add("Settings", "set", 3.4, column, row, params{
		"assignments": params{"assignments": assignments}, "includeOtherFields": true, "options": params{},
	})
}

// isTrue is the condition that an expression is true.
func (w *workflow) isTrue(expression string) params {
	return params{
		"options": params{"caseSensitive": true, "leftValue": "", "typeValidation": "loose", "version": 2},
		"conditions": []params{{
			"id": w.id(expression), "leftValue": expression, "rightValue": "",
			"operator": params{"type": "boolean", "operation": "true", "singleValue": true},
		}},
		"combinator": "and",
	}
}

func (w *workflow) when(name string, column, row float64, expression string) {
	w.add(name, "if", 2.2, column, row, params{"conditions": w.isTrue(expression), "options": params{}})
}

// route is a Switch with an output for each value of an expression, in that order.
func (w *workflow) route(name string, column, row float64, expression string, values ...string) {
	rules := make([]params, len(values))
	for i, v := range values {
		rules[i] = params{
			"conditions": w.isTrue("={{ " + expression + " === '" + v + "' }}"), "renameOutput": true, "outputKey": v,
		}
	}
	w.add(name, "switch", 3.2, column, row, params{"rules": params{"values": rules}, "options": params{}})
}

func (w *workflow) note(column, row float64, width, height int, text string) {
	w.add("Note "+text[:min(12, len(text))], "stickyNote", 1, column, row, params{"content": text, "width": width, "height": height})
}
