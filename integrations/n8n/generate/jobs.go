package main

// The ids under which the workflows and their credentials know each other.
const (
	errorsID = "aigenErrors"

	rabbitMQCredential = "aigenRabbitMQ"
	secretCredential   = "aigenSecret"
	openAICredential   = "aigenOpenAI"
	s3Credential       = "aigenS3"

	queue        = "creativeflow.jobs.generation" // GENERATION_JOB_QUEUE
	jobsPath     = "aigen-jobs"
	picturesPath = "aigen-pictures"
	folder       = "/home/node/.n8n-files" // where n8n's own image may write
	jobsTable    = "aigen_jobs"
)

const eachPicture = "$('Each picture').first(1).json"

// jobs is the workflow that does the work, however its jobs come.
func jobs(w *workflow, source func(*workflow) (last string)) {
	start := source(w)
	w.Settings = map[string]any{"executionOrder": "v1", "errorWorkflow": errorsID, "callerPolicy": "workflowsFromSameOwner"}

	w.when("In time?", 4, 2, "={{ Date.parse($('Read job').first().json.job.deadline) > Date.now() }}")
	w.chain(start, "In time?")
	remember(w)
	w.http("Show start", 5, 1.2, progress("0")).mayFail()
	w.js("Pictures", 5, 2.4, "plan").fails()
	w.connect("In time?", 0, "Table of jobs", "Show start", "Pictures")

	w.add("Each picture", "splitInBatches", 3, 6, 2.4, params{"options": params{}})
	w.chain("Pictures", "Each picture")
	makePicture(w)
	keepPicture(w)
	w.js("Asset", 12, 2.6, "asset")
	w.http("Show progress", 13, 1.8, progress("{{ $json.percent }}")).mayFail()
	w.connect("Asset", 0, "Show progress", "Each picture")

	w.js("Success", 7, 0.6, "success")
	w.connect("Each picture", 0, "Success")
	w.js("Failure", 12, 4.6, "explain", "failed_here")
	for name, output := range map[string]int{
		"Pictures": 1, "Draw": 1, "Ask the image service": 1, "To a file": 1, "Get the sample": 1, "Enlarge": 1,
		"Write to folder": 1, "PUT to store": 1, "Upload to S3": 1,
	} {
		w.connect(name, output, "Failure")
	}
	report(w, 14, 3)
	w.connect("Success", 0, "Proof")
	w.connect("Failure", 0, "Proof")
	insist(w, 18, 3)
	forget(w, 18, 2.2, "={{ $execution.id }}")
	w.connect("Call back", 0, "Forget job")
}

// settingsOfJobs are what a user chooses.
func settingsOfJobs(w *workflow, column, row float64) {
	w.settings(
		column, row,
		setting{"provider", "edit-image"},
		setting{"openaiUrl", "https://api.openai.com/v1"},
		setting{"openaiModel", "gpt-image-1"},
		setting{"proof", "token"},
		setting{"store", "folder"},
		setting{"folder", folder},
		setting{"putUrl", ""},
		setting{"s3Bucket", ""},
		setting{"publicUrl", "={{ $execution.resumeUrl.replace(/webhook-waiting.*/, 'webhook/" + picturesPath + "?name=') }}"},
	)
	w.note(column-0.2, row-2.35, 520, 340, `## Settings
**provider**: `+"`edit-image` draws pictures offline, `openai` asks an image service"+`
**openaiUrl**, **openaiModel**: any service that speaks OpenAI's images API
**proof**: `+"`token` (each job brings one) or `signature` (HMAC)"+`
**store**: `+"`folder`, `put` or `s3`"+`
**folder**: must be within N8N_RESTRICT_FILE_ACCESS_TO
**putUrl**, **s3Bucket**: where to put pictures
**publicUrl**: what stands before a picture's name in its address`)
}

func fromRabbitMQ(w *workflow) string {
	w.ID, w.Name = "aigenJobsRabbitMQ", "aigen: jobs from RabbitMQ"
	// Acknowledged on receipt: a job that is lost here is reported by the workflow for
	// errors, and fails by its deadline at the latest. "Assert Queue" stays off, since
	// the service declares its queues itself.
	w.add("Jobs", "rabbitmqTrigger", 1, 0, 2, params{"queue": queue, "options": params{"acknowledge": "immediately"}}).
		needs("rabbitmq", rabbitMQCredential, "aigen RabbitMQ")
	settingsOfJobs(w, 1, 2)
	w.js("Read job", 2, 2, "read_rabbitmq", "read_job")
	w.chain("Jobs", "Settings", "Read job")
	w.left = 1 // there is nothing to be checked
	return "Read job"
}

func byWebhook(w *workflow) string {
	w.ID, w.Name = "aigenJobsWebhook", "aigen: jobs by webhook"
	w.add("Jobs", "webhook", 2, 0, 2, params{
		"httpMethod": "POST", "path": jobsPath, "responseMode": "responseNode", "options": params{"rawBody": true},
	}).WebhookID = w.id("webhook")
	settingsOfJobs(w, 1, 2)
	w.js("Read job", 2, 2, "read_webhook", "read_job")
	w.hmac("Sign it ourselves", 2.8, 2, "={{ $json.signature.content }}")
	w.when("Signed by the service?", 3.6, 2.6, "={{ $json.signature.fresh && $json.signature.given.includes('v1,' + $json.hmac) }}")
	w.respond("Accept", 3.6, 1.4, 202, `={{ JSON.stringify({accepted: $('Read job').first().json.job.jobId}) }}`)
	w.respond("Refuse", 3.6, 3.8, 401, `={{ JSON.stringify({error: 'The signature is not one made with the secret in the credential.'}) }}`)
	w.chain("Jobs", "Settings", "Read job", "Sign it ourselves", "Signed by the service?", "Accept")
	w.connect("Signed by the service?", 1, "Refuse")
	return "Accept"
}

// remember notes the job in a table, for the workflow for errors: what that is told of
// a failed execution holds no job.
func remember(w *workflow) {
	table(w, 5, 0)
	w.add("Remember job", "dataTable", 1.1, 6, 0, params{
		"resource": "row", "operation": "insert", "dataTableId": inTable(),
		"columns": params{"mappingMode": "defineBelow", "value": params{
			"executionId":   "={{ $execution.id }}",
			"jobId":         "={{ $('Read job').first().json.job.jobId }}",
			"generationId":  "={{ $('Read job').first().json.job.generationId }}",
			"stage":         "={{ $('Read job').first().json.stage }}",
			"callbackUrl":   "={{ $('Read job').first().json.job.callback.url }}",
			"callbackToken": "={{ $('Read job').first().json.job.callback.token }}",
		}, "matchingColumns": []string{}, "schema": schema()},
		"options": params{},
	}).retries(500).mayFail()
	w.chain("Table of jobs", "Remember job")
}

var columns = []string{"executionId", "jobId", "generationId", "stage", "callbackUrl", "callbackToken"}

func schema() []params {
	all := make([]params, len(columns))
	for i, c := range columns {
		all[i] = params{
			"id": c, "displayName": c, "required": false, "defaultMatch": false, "display": true, "type": "string",
			"readOnly": false, "removed": false,
		}
	}
	return all
}

func table(w *workflow, column, row float64) {
	all := make([]params, len(columns))
	for i, c := range columns {
		all[i] = params{"name": c, "type": "string"}
	}
	w.add("Table of jobs", "dataTable", 1.1, column, row, params{
		"resource": "table", "operation": "create", "tableName": jobsTable,
		"columns": params{"column": all}, "options": params{"createIfNotExists": true},
	}).retries(500).mayFail().ExecuteOnce = true
}

func forget(w *workflow, column, row float64, execution string) {
	w.add("Forget job", "dataTable", 1.1, column, row, params{
		"resource": "row", "operation": "deleteRows", "dataTableId": inTable(), "matchType": "allConditions",
		"filters": params{"conditions": []params{{"keyName": "executionId", "condition": "eq", "keyValue": execution}}},
		"options": params{},
	}).retries(500).mayFail()
}

// inTable names the table as nodes do; its id is of each n8n's own.
func inTable() params {
	return params{"__rl": true, "mode": "name", "value": jobsTable}
}
