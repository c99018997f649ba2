package httpapi

import (
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// createBody describes the body of POST /generations; readCreate reads it.
type createBody struct {
	ProjectID       string         `json:"projectId" format:"uuid" doc:"Any but the nil UUID."`
	InputPrompt     string         `json:"inputPrompt" minLength:"1" maxLength:"4000" pattern:"@prompt" example:"a red fox in the snow" doc:"What the picture shows, 1 to 4000 characters after trimming."`
	StyleGuidance   *string        `json:"styleGuidance,omitempty" maxLength:"2000" nullable:"true" pattern:"@text" example:"watercolour" doc:"How it shall look."`
	InputParameters parametersSpec `json:"inputParameters,omitempty"`

	References []referenceView   `json:"references,omitempty" maxItems:"16" nullable:"true" doc:"Pictures of yours, uploads or results, to go by."`
	ExternalID *string           `json:"externalId,omitempty" nullable:"true" minLength:"1" maxLength:"128" doc:"Your own id, unique among your generations."`
	Metadata   map[string]string `json:"metadata,omitempty" nullable:"true" doc:"At most 16 texts, 4 KiB together; returned with the generation and its events."`
	AutoSelect *string           `json:"autoSelect,omitempty" nullable:"true" enum:"first" doc:"first: choose the first sample as soon as there is one."`
}

// strict are the rules for what users send.
var strict = jsonRules{whole: true}

func (a *API) create(w http.ResponseWriter, r *http.Request) error {
	body, err := a.readBody(w, r, a.c.MaxBody, strict)
	if err != nil {
		return err
	}
	var f faults
	cmd := app.InitiateGeneration{UserID: identityOf(r.Context()).UserID}
	readCreate(body, &f, &cmd)
	cmd.Key, err = keyOf(r, generationsPath, aigen.ID{}, body, &f)
	if err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.InitiateGeneration(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readCreate(body []byte, f *faults, cmd *app.InitiateGeneration) {
	o := newObject("body", body, f)
	if o.members == nil {
		return
	}
	o.only("projectId", "inputPrompt", "styleGuidance", "inputParameters", "references", "externalId", "metadata", "autoSelect")
	o.need("projectId")
	cmd.ProjectID, _ = o.id("projectId")
	o.need("inputPrompt")
	cmd.Input = readInput(o, f)
	if list, ok := readReferences(o); ok {
		cmd.Input.References = list
	}
	cmd.Options = readOptions(o, f)
}

// readInput reads and checks the parts of an input. Those that are missing count
// as empty; an empty prompt is a fault.
func readInput(o object, f *faults) aigen.Input {
	prompt, _ := o.text("inputPrompt")
	style, _ := o.text("styleGuidance")
	parameters, ok := o.get("inputParameters")
	if ok {
		checkFree(o.location("inputParameters"), parameters, f)
	}
	in, err := aigen.NewInput(prompt, style, parameters)
	if err != nil {
		for _, field := range toAPIError(err).fields {
			f.add(field.Location, "%s", field.Message)
		}
	}
	return in
}

// keyOf is requestKey with the faults of the key among those of the body.
func keyOf(r *http.Request, route string, generation aigen.ID, body []byte, f *faults) (app.RequestKey, error) {
	key, err := requestKey(r, route, generation, body)
	if err == nil {
		return key, nil
	}
	known := toAPIError(err)
	if known.code != aigen.CodeInvalidInput {
		return key, err
	}
	for _, field := range known.fields {
		f.add(field.Location, "%s", field.Message)
	}
	return key, nil
}

// accept answers a request whose work has begun.
func accept(w http.ResponseWriter, r *http.Request, accepted app.Accepted) error {
	infoFrom(r.Context()).generation = accepted.GenerationID
	w.Header().Set("Location", generationsPath+"/"+accepted.GenerationID.String())
	replayed(w, r, accepted.Replayed)
	writeBody(w, http.StatusAccepted, acceptedJSON(accepted))
	return nil
}

// acceptedJSON is the acceptedView of a as json.Marshal would write it. There is nothing
// to escape in it.
func acceptedJSON(a app.Accepted) []byte {
	b := make([]byte, 0, 160)
	b = a.GenerationID.AppendTo(append(b, `{"generationId":"`...))
	b = append(append(b, `","status":"`...), a.Status...)
	b = a.CreditsReserved.AppendTo(append(b, `","creditsReserved":"`...))
	return append(b, `"}`...)
}
