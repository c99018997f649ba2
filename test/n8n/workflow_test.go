//go:build n8n

package n8n

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// workflow is one of integrations/n8n, to be changed as a user would in the editor.
type workflow map[string]any

func (w workflow) id() string { return w["id"].(string) }

// load reads a workflow, and gives the copy an id of its own.
func load(t *testing.T, file, id string) workflow {
	t.Helper()
	raw, err := os.ReadFile("../../integrations/n8n/" + file)
	require.NoError(t, err)
	w := workflow{}
	require.NoError(t, json.Unmarshal(raw, &w))
	if id != "" {
		w["id"], w["name"] = id, fmt.Sprintf("%s (%s)", w["name"], id)
	}
	return w
}

// node returns a node by its name.
func (w workflow) node(name string) map[string]any {
	for _, n := range w["nodes"].([]any) {
		if n := n.(map[string]any); n["name"] == name {
			return n
		}
	}
	panic("no node " + name)
}

func (w workflow) parameters(name string) map[string]any {
	return w.node(name)["parameters"].(map[string]any)
}

// set changes lines of the Settings node.
func (w workflow) set(lines map[string]string) workflow {
	all := w.parameters("Settings")["assignments"].(map[string]any)["assignments"].([]any)
	for name, value := range lines {
		found := false
		for _, a := range all {
			if a := a.(map[string]any); a["name"] == "settings."+name {
				a["value"], found = value, true
			}
		}
		if !found {
			panic("no setting " + name)
		}
	}
	return w
}

// code puts lines before the code of a Code node.
func (w workflow) code(node, lines string) workflow {
	p := w.parameters(node)
	p["jsCode"] = lines + "\n" + p["jsCode"].(string)
	return w
}

// fromRabbitMQ is the workflow for jobs from RabbitMQ, on a queue.
func (n *instance) fromRabbitMQ(id, queue string) workflow {
	w := load(n.t, "aigen-jobs-from-rabbitmq.json", id)
	w.parameters("Jobs")["queue"] = queue
	return w.set(map[string]string{"folder": n.folder()})
}

// byWebhook is the workflow for jobs by webhook, and the address of that.
func (n *instance) byWebhook(id string) (workflow, string) {
	w := load(n.t, "aigen-jobs-by-webhook.json", id)
	w.parameters("Jobs")["path"] = id
	w.node("Jobs")["webhookId"] = id
	return w.set(map[string]string{"folder": n.folder()}), n.url + "/webhook/" + id
}

// helpers are the workflows that serve pictures and report failures.
func (n *instance) helpers() []workflow {
	return []workflow{
		load(n.t, "aigen-errors.json", ""),
		load(n.t, "aigen-pictures.json", "").set(map[string]string{"folder": n.folder()}),
	}
}

// credentials are those that the workflows refer to.
func credentials(t *testing.T, broker, s3 string) []credential {
	t.Helper()
	u, err := url.Parse(broker)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	password, _ := u.User.Password()
	return []credential{
		{"aigenRabbitMQ", "aigen RabbitMQ", "rabbitmq", map[string]any{
			"hostname": u.Hostname(), "port": port, "username": u.User.Username(), "password": password, "vhost": "/", "ssl": false,
		}},
		{"aigenSecret", "aigen callback secret", "crypto", map[string]any{"hmacSecret": testprogram.CallbackSecret}},
		{"aigenS3", "S3", "s3", map[string]any{
			"endpoint": s3, "region": "eu-west-1", "accessKeyId": "key-of-s3", "secretAccessKey": "secret-of-s3", "forcePathStyle": true,
		}},
		{"aigenOpenAI", "OpenAI", "openAiApi", map[string]any{"apiKey": imageKey, "url": "https://api.openai.com/v1"}},
	}
}
