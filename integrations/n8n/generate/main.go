// Command generate writes the n8n workflows of this folder's parent from parts that
// they share: nodes here, the code of Code nodes in ../code. Run it by `make generate`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run .

func main() {
	if err := run(".."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	code := func(name string) (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, "code", name+".js")) //nolint:gosec // a name from jobs.go
		return string(b), err
	}
	files, err := workflows(code)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil { //nolint:gosec // they are for everybody
			return err
		}
	}
	return nil
}

// workflows returns each file's content by its name.
func workflows(code func(string) (string, error)) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, build := range map[string]func(*workflow){
		"aigen-jobs-from-rabbitmq.json": func(w *workflow) { jobs(w, fromRabbitMQ) },
		"aigen-jobs-by-webhook.json":    func(w *workflow) { jobs(w, byWebhook) },
		"aigen-errors.json":             errorWorkflow,
		"aigen-pictures.json":           pictures,
	} {
		w := &workflow{code: code, Connections: map[string]map[string][][]target{}, PinData: map[string]any{}}
		build(w)
		if w.err != nil {
			return nil, fmt.Errorf("%s: %w", name, w.err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(w); err != nil {
			return nil, err
		}
		files[name] = out.Bytes()
	}
	return files, nil
}
