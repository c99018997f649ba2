package main

// report calls back, proved by the job's token or by a signature.
func report(w *workflow, column, row float64) {
	w.js("Proof", column, row, "proof")
	w.when("By signature?", column+1, row, "={{ $json.signed }}")
	w.hmac("Sign", column+2, row-0.6, "={{ $json.content }}")
	w.add("Call back", "httpRequest", 4.2, column+3, row, params{
		"method": "POST", "url": "={{ $json.url }}",
		"sendHeaders": true, "specifyHeaders": "json", "jsonHeaders": "={{ JSON.stringify($json.hmac " +
			"? {'webhook-id': $json.id, 'webhook-timestamp': $json.timestamp, 'webhook-signature': 'v1,' + $json.hmac} " +
			": {authorization: 'Bearer ' + $json.token}) }}",
		"sendBody": true, "contentType": "raw", "rawContentType": "application/json", "body": "={{ $json.body }}",
		"options": params{"timeout": 30_000},
	}).retries(2000)
	w.chain("Proof", "By signature?", "Sign", "Call back")
	w.connect("By signature?", 1, "Call back")
}

// insist reports again where the service could not be reached.
func insist(w *workflow, column, row float64) {
	for _, n := range w.Nodes {
		if n.Name == "Call back" {
			n.fails()
		}
	}
	w.js("Try again?", column, row+0.8, "again")
	w.add("Wait", "wait", 1.1, column+1, row+0.8, params{"resume": "timeInterval", "amount": 10, "unit": "seconds"}).WebhookID = w.id("wait")
	w.connect("Call back", 1, "Try again?")
	w.chain("Try again?", "Wait", "Proof")
}

// hmac signs a text with the secret in a credential.
func (w *workflow) hmac(name string, column, row float64, content string) {
	w.add(name, "crypto", 2, column, row, params{
		"action": "hmac", "type": "SHA256", "value": content, "dataPropertyName": "hmac", "encoding": "base64",
	}).needs("crypto", secretCredential, "aigen callback secret")
}

// progress is shown to whoever watches; percent is a number or an expression.
func progress(percent string) params {
	const job = "$('Read job').first().json.job"
	return params{
		"method": "POST", "url": "={{ " + job + ".callback.url }}",
		"sendHeaders": true, "headerParameters": params{"parameters": []params{
			{"name": "authorization", "value": "=Bearer {{ " + job + ".callback.token }}"},
		}},
		"sendBody": true, "contentType": "raw", "rawContentType": "application/json",
		"body": `={"generationId":"{{ ` + job + `.generationId }}","jobId":"{{ ` + job + `.jobId }}","status":"success",` +
			`"stage":"progress","results":{"progress":` + percent + `}}`,
		"options": params{"timeout": 5000},
	}
}

func (w *workflow) http(name string, column, row float64, p params) *node {
	return w.add(name, "httpRequest", 4.2, column, row, p)
}

// respond answers the caller of a webhook with JSON.
func (w *workflow) respond(name string, column, row float64, status int, body string) {
	w.add(name, "respondToWebhook", 1.1, column, row, params{
		"respondWith": "json", "responseBody": body, "options": params{"responseCode": status},
	})
}
