package main

// errorWorkflow reports the jobs of executions that failed, and after a start of n8n
// those of executions that the end before it has cut off.
func errorWorkflow(w *workflow) {
	w.ID, w.Name = errorsID, "aigen: errors"
	w.Settings = map[string]any{"executionOrder": "v1", "callerPolicy": "workflowsFromSameOwner"}
	w.add("An execution failed", "errorTrigger", 1, 0, 1, params{})
	w.add("n8n has started", "n8nTrigger", 1, 0, 2, params{"events": []string{"init"}})
	w.settings(1, 1.5, setting{"proof", "token"})
	w.connect("An execution failed", 0, "Settings")
	w.connect("n8n has started", 0, "Settings")
	table(w, 2, 1.5)
	w.when("One execution?", 3, 1.5, "={{ !!$('Settings').first().json.execution }}")
	w.add("Its job", "dataTable", 1.1, 4, 1, params{
		"resource": "row", "operation": "get", "dataTableId": inTable(), "matchType": "allConditions",
		"filters": params{"conditions": []params{
			{"keyName": "executionId", "condition": "eq", "keyValue": "={{ $('Settings').first().json.execution.id }}"},
		}},
		"returnAll": true,
	})
	w.add("Jobs that are left", "dataTable", 1.1, 4, 2, params{
		"resource": "row", "operation": "get", "dataTableId": inTable(), "returnAll": true,
	})
	w.js("Failure", 5, 1.5, "explain", "failed_elsewhere")
	w.chain("Settings", "Table of jobs", "One execution?", "Its job", "Failure", "Proof")
	w.connect("One execution?", 1, "Jobs that are left")
	w.chain("Jobs that are left", "Failure")
	report(w, 6, 1.5)
	for _, n := range w.Nodes {
		if n.Name == "Call back" {
			// Whatever the service says, it has been told; only silence keeps the job here.
			n.Parameters["options"] = params{"timeout": 30_000, "response": params{"response": params{"neverError": true}}}
		}
	}
	forget(w, 10, 1.5, "={{ $('Proof').item.json.executionId }}")
	w.chain("Call back", "Forget job")
}

// pictures serves what the other workflows write to the folder.
func pictures(w *workflow) {
	w.ID, w.Name = "aigenPictures", "aigen: pictures"
	w.Settings = map[string]any{"executionOrder": "v1", "callerPolicy": "workflowsFromSameOwner", "saveDataSuccessExecution": "none"}
	w.add("Picture", "webhook", 2, 0, 1, params{
		"httpMethod": "GET", "path": picturesPath, "responseMode": "responseNode", "options": params{},
	}).WebhookID = w.id("webhook")
	w.settings(1, 1, setting{"folder", folder})
	// A name is an id that nobody guesses; nothing else may lead to a file.
	w.when("A picture's name?", 2, 1, `={{ /^[0-9a-f-]{36}-\d\.png$/.test($json.query.name) }}`)
	w.add("Read", "readWriteFile", 1.1, 3, 0.5, params{
		"operation": "read", "fileSelector": "={{ $json.settings.folder }}/{{ $json.query.name }}", "options": params{},
	}).fails()
	w.add("Send", "respondToWebhook", 1.1, 4, 0.2, params{
		"respondWith": "binary", "options": params{"responseHeaders": params{"entries": []params{
			{"name": "Content-Type", "value": "image/png"},
			{"name": "Cache-Control", "value": "public, max-age=31536000, immutable"},
			{"name": "X-Content-Type-Options", "value": "nosniff"},
		}}},
	})
	w.respond("Not there", 4, 1.2, 404, `={{ JSON.stringify({error: 'There is no such picture.'}) }}`)
	w.chain("Picture", "Settings", "A picture's name?", "Read", "Send")
	w.connect("Read", 1, "Not there")
	w.connect("A picture's name?", 1, "Not there")
}
