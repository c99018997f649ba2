package main

import "fmt"

// makePicture makes one picture, in one of three ways.
func makePicture(w *workflow) {
	w.route("How", 7, 2.6, "$json.how", "draw", "ask", "enlarge")
	w.connect("Each picture", 1, "How")

	w.add("Draw", "editImage", 1.1, 9, 1.6, params{
		"operation": "multiStep", "dataPropertyName": "data",
		"operations": params{"operations": landscape()},
		"options":    params{"format": "png", "fileName": "={{ $json.name }}"},
	}).fails()

	w.add("Ask the image service", "httpRequest", 4.2, 8, 2.6, params{
		"method": "POST", "url": "={{ $('Settings').first().json.settings.openaiUrl }}/images/generations",
		"authentication": "predefinedCredentialType", "nodeCredentialType": "openAiApi",
		"sendBody": true, "specifyBody": "json", "jsonBody": "={{ JSON.stringify($json.request) }}",
		"options": params{"timeout": 180_000, "response": params{"response": params{"responseFormat": "json"}}},
	}).needs("openAiApi", openAICredential, "OpenAI").fails()
	w.add("To a file", "convertToFile", 1.1, 9, 2.6, params{
		"operation": "toBinary", "sourceProperty": "data[0].b64_json", "binaryPropertyName": "data",
		"options": params{"fileName": "={{ " + eachPicture + ".name }}", "mimeType": "image/png"},
	}).fails()
	w.chain("Ask the image service", "To a file")

	w.add("Get the sample", "httpRequest", 4.2, 8, 3.6, params{
		"url":     "={{ $json.source }}",
		"options": params{"timeout": 60_000, "response": params{"response": params{"responseFormat": "file", "outputPropertyName": "data"}}},
	}).retries(1000).fails()
	size := params{"width": "={{ " + eachPicture + ".width }}", "height": "={{ " + eachPicture + ".height }}"}
	w.add("Enlarge", "editImage", 1.1, 9, 3.6, params{
		"operation": "multiStep", "dataPropertyName": "data",
		"operations": params{"operations": []params{
			{"operation": "resize", "resizeOption": "minimumArea", "width": size["width"], "height": size["height"]},
			{
				"operation": "crop", "width": size["width"], "height": size["height"],
				"positionX": "={{ " + eachPicture + ".crop.x }}", "positionY": "={{ " + eachPicture + ".crop.y }}",
			},
		}},
		"options": params{"format": "png", "fileName": "={{ " + eachPicture + ".name }}"},
	}).fails()
	w.chain("Get the sample", "Enlarge")

	w.connect("How", 0, "Draw")
	w.connect("How", 1, "Ask the image service")
	w.connect("How", 2, "Get the sample")
}

// landscape are the steps of the offline picture; plan.js says where and in what colours.
func landscape() []params {
	steps := []params{{
		"operation": "create", "backgroundColor": "={{ $json.art.background }}", "width": "={{ $json.width }}", "height": "={{ $json.height }}",
	}}
	shape := func(primitive, what string) {
		at := func(name string) string { return "={{ $json.art." + what + "." + name + " }}" }
		steps = append(steps, params{
			"operation": "draw", "primitive": primitive, "color": at("color"), "cornerRadius": 0,
			"startPositionX": at("x0"), "startPositionY": at("y0"), "endPositionX": at("x1"), "endPositionY": at("y1"),
		})
	}
	for i := 1; i < 6; i++ {
		shape("rectangle", fmt.Sprintf("bands[%d]", i))
	}
	shape("circle", "sun")
	for i := range 3 {
		shape("circle", fmt.Sprintf("hills[%d]", i))
	}
	return steps
}

// keepPicture puts a picture where users can fetch it.
func keepPicture(w *workflow) {
	const settings = "$('Settings').first().json.settings"
	name := "{{ " + eachPicture + ".name }}"
	w.route("Where", 10, 2.6, settings+".store", "folder", "put", "s3")
	for _, from := range []string{"Draw", "To a file", "Enlarge"} {
		w.connect(from, 0, "Where")
	}
	w.add("Write to folder", "readWriteFile", 1.1, 11, 1.6, params{
		"operation": "write", "fileName": "={{ " + settings + ".folder }}/" + name, "dataPropertyName": "data", "options": params{},
	}).fails()
	w.add("PUT to store", "httpRequest", 4.2, 11, 2.6, params{
		"method": "PUT", "url": "={{ " + settings + ".putUrl }}" + name, "sendBody": true, "contentType": "binaryData",
		"inputDataFieldName": "data", "options": params{"timeout": 60_000},
	}).retries(1000).fails()
	w.add("Upload to S3", "s3", 1, 11, 3.6, params{
		"resource": "file", "operation": "upload", "bucketName": "={{ " + settings + ".s3Bucket }}", "fileName": "=" + name,
		"binaryData": true, "binaryPropertyName": "data", "additionalFields": params{},
	}).needs("s3", s3Credential, "S3").retries(1000).fails()
	for i, to := range []string{"Write to folder", "PUT to store", "Upload to S3"} {
		w.connect("Where", i, to)
		w.connect(to, 0, "Asset")
	}
}
