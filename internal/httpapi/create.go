package httpapi

import (
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/jsonscan"
	"github.com/creativeflow/aigen/internal/web"
)

func (a *API) create(w http.ResponseWriter, r *http.Request) error {
	body, err := a.bodies.Read(w, r)
	if err != nil {
		return err
	}
	var f wire.Faults
	cmd := app.InitiateGeneration{UserID: web.IdentityOf(r.Context()).UserID}
	readCreate(body, &f, &cmd)
	cmd.Key, err = keyOf(r, generationsPath, aigen.ID{}, body, &f)
	if err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.InitiateGeneration(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readCreate(body []byte, f *wire.Faults, cmd *app.InitiateGeneration) {
	o := wire.NewObject("body", body, f)
	if o.Members == nil {
		return
	}
	o.Only("projectId", "inputPrompt", "styleGuidance", "inputParameters", "references", "externalId", "metadata", "autoSelect")
	o.Need("projectId")
	cmd.ProjectID, _ = o.ID("projectId")
	o.Need("inputPrompt")
	cmd.Input = readInput(o, f)
	if list, ok := readReferences(o); ok {
		cmd.Input.References = list
	}
	cmd.Options = readOptions(o, f)
}

// readInput reads and checks the parts of an input. Those that are missing count
// as empty; an empty prompt is a fault.
func readInput(o wire.Object, f *wire.Faults) aigen.Input {
	prompt, _ := o.Text("inputPrompt")
	style, _ := o.Text("styleGuidance")
	parameters, ok := o.Get("inputParameters")
	if ok {
		if why := jsonscan.CheckFree(parameters); why != "" {
			o.Fault("inputParameters", "%s", why)
		}
	}
	in, err := aigen.NewInput(prompt, style, parameters)
	if err != nil {
		for _, field := range wire.ErrorOf(err).Fields {
			f.Add(field.Location, "%s", field.Message)
		}
	}
	return in
}

// keyOf is requestKey with the faults of the key among those of the body.
func keyOf(r *http.Request, route string, generation aigen.ID, body []byte, f *wire.Faults) (app.RequestKey, error) {
	key, err := requestKey(r, route, generation, body)
	if err == nil {
		return key, nil
	}
	known := wire.ErrorOf(err)
	if known.Code != aigen.CodeInvalidInput {
		return key, err
	}
	for _, field := range known.Fields {
		f.Add(field.Location, "%s", field.Message)
	}
	return key, nil
}

// accept answers a request whose work has begun.
func accept(w http.ResponseWriter, r *http.Request, accepted app.Accepted) error {
	web.InfoFrom(r.Context()).Generation = accepted.GenerationID
	w.Header().Set("Location", generationsPath+"/"+accepted.GenerationID.String())
	replayed(w, r, accepted.Replayed)
	wire.WriteBody(w, http.StatusAccepted, acceptedJSON(accepted))
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
