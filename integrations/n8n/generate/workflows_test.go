package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readCode(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join("..", "code", name+".js"))
	return string(b), err
}

// committed are the workflows as they lie in the repository.
func committed(t *testing.T) map[string]*workflow {
	t.Helper()
	paths, err := filepath.Glob("../*.json")
	require.NoError(t, err)
	all := map[string]*workflow{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		w := &workflow{}
		require.NoError(t, json.Unmarshal(raw, w), path)
		all[filepath.Base(path)] = w
	}
	require.Len(t, all, 4)
	return all
}

// What is committed is what is made of the sources: run `make generate`.
func TestCommittedIsGenerated(t *testing.T) {
	t.Parallel()
	files, err := workflows(readCode)
	require.NoError(t, err)
	require.Len(t, files, len(committed(t)))
	for name, content := range files {
		raw, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		assert.Equal(t, string(content), string(raw), "%s is not up to date: make generate", name)
	}
}

// outputs is how many outputs a node has, the error output included.
func (n *node) outputs() int {
	count := 1
	switch strings.TrimPrefix(n.Type, "n8n-nodes-base.") {
	case "if", "splitInBatches":
		count = 2
	case "switch":
		count = len(n.Parameters["rules"].(map[string]any)["values"].([]any))
	case "stickyNote":
		count = 0
	}
	if n.OnError == "continueErrorOutput" {
		count++
	}
	return count
}

// versions are the nodes that are used, each in a version that n8n 2.41 has.
var versions = map[string][]float64{
	"rabbitmqTrigger": {1}, "webhook": {2}, "errorTrigger": {1}, "n8nTrigger": {1}, "set": {3.4}, "code": {2}, "if": {2.2},
	"switch": {3.2}, "splitInBatches": {3}, "httpRequest": {4.2}, "editImage": {1.1}, "convertToFile": {1.1}, "crypto": {2},
	"readWriteFile": {1.1}, "s3": {1}, "dataTable": {1.1}, "wait": {1.1}, "respondToWebhook": {1.1}, "stickyNote": {1},
}

var named = regexp.MustCompile(`\$\('([^']+)'\)`)

func TestWorkflowsAreSound(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for file, w := range committed(t) {
		assert.False(t, ids[w.ID], "%s: id %s comes twice", file, w.ID)
		ids[w.ID] = true
		assert.Equal(t, "v1", w.Settings["executionOrder"], file)
		nodes := map[string]*node{}
		for _, n := range w.Nodes {
			assert.NotContains(t, nodes, n.Name, file)
			nodes[n.Name] = n
			assert.False(t, ids[n.ID], "%s: %s: id comes twice", file, n.Name)
			ids[n.ID] = true
			assert.Contains(t, versions[strings.TrimPrefix(n.Type, "n8n-nodes-base.")], n.TypeVersion, "%s: %s", file, n.Name)
		}
		reached := map[string]bool{}
		for from, kinds := range w.Connections {
			require.Contains(t, nodes, from, file)
			assert.LessOrEqual(t, len(kinds["main"]), nodes[from].outputs(), "%s: %s has no such output", file, from)
			for _, targets := range kinds["main"] {
				for _, to := range targets {
					assert.Contains(t, nodes, to.Node, file)
					reached[to.Node] = true
				}
			}
			if nodes[from].OnError == "continueErrorOutput" {
				assert.Len(t, kinds["main"], nodes[from].outputs(), "%s: %s fails into nothing", file, from)
			}
		}
		for name, n := range nodes {
			starts := strings.HasSuffix(n.Type, "Trigger") || strings.HasSuffix(n.Type, "webhook") || strings.HasSuffix(n.Type, "stickyNote")
			assert.NotEqual(t, starts, reached[name], "%s: %s", file, name)
			raw, err := json.Marshal(n.Parameters)
			require.NoError(t, err)
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				assert.Contains(t, nodes, m[1], "%s: %s refers to it", file, name)
			}
		}
	}
}

// Code nodes are JavaScript, and no node asks for what n8n denies.
func TestCodeParses(t *testing.T) {
	t.Parallel()
	for file, w := range committed(t) {
		for _, n := range w.Nodes {
			if code, ok := n.Parameters["jsCode"].(string); ok {
				_, err := goja.Compile(n.Name, "(async function () {\n"+code+"\n})", true)
				assert.NoError(t, err, "%s: %s", file, n.Name)
				assert.NotContains(t, code, "require(", "%s: %s", file, n.Name)
			}
			raw, err := json.Marshal(n)
			require.NoError(t, err)
			assert.NotContains(t, string(raw), "$env", "%s: %s", file, n.Name)
		}
	}
}

var secret = regexp.MustCompile(`(?i)sk-[a-z0-9]|whsec_|"(password|apikey|hmacsecret|secret)"|amqps?://|bearer [a-z0-9._-]{8}|-----BEGIN`)

// Credentials are named, and nothing of them is in a file.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for file, w := range committed(t) {
		raw, err := os.ReadFile("../" + file)
		require.NoError(t, err)
		assert.Empty(t, secret.FindAllString(string(raw), -1), file)
		assert.Empty(t, w.PinData, file)
		for _, n := range w.Nodes {
			for kind, c := range n.Credentials {
				used[kind+" "+c.ID] = true
			}
		}
	}
	all := make([]string, 0, len(used))
	for u := range used {
		all = append(all, u)
	}
	assert.ElementsMatch(t, []string{"rabbitmq aigenRabbitMQ", "crypto aigenSecret", "openAiApi aigenOpenAI", "s3 aigenS3"}, all)
}

// What the README and the issue promise of the workflows for jobs.
func TestJobs(t *testing.T) {
	t.Parallel()
	all := committed(t)
	rabbit := all["aigen-jobs-from-rabbitmq.json"]
	trigger := rabbit.Nodes[slices.IndexFunc(rabbit.Nodes, func(n *node) bool { return n.Name == "Jobs" })]
	assert.Equal(t, map[string]any{"acknowledge": "immediately"}, trigger.Parameters["options"], "on receipt, and no queue is asserted")
	for _, file := range []string{"aigen-jobs-from-rabbitmq.json", "aigen-jobs-by-webhook.json"} {
		assert.Equal(t, all["aigen-errors.json"].ID, all[file].Settings["errorWorkflow"], file)
	}
}
