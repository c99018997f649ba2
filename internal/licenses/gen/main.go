// Command gen writes THIRD-PARTY.txt: the licences of all modules that have a package
// in the program, of Go, and of what the console's pages load. It fails where one has none. Run it in internal/licenses.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	program = "github.com/creativeflow/aigen/cmd/aigen"
	vendor  = "../console/static/vendor" // its LICENSE.txt names the versions
)

// isLicense matches LICENSE-GO, COPYING.md, NOTICE and such.
var isLicense = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$|-license\.txt$`)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// text is one licence and those who have it.
type text struct {
	of   []string
	body string
}

func run() error {
	folders, err := modules()
	if err != nil {
		return err
	}
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	slices.Sort(names)
	var texts []*text
	known := map[string]*text{}
	for _, name := range names {
		found := 0
		for _, dir := range folders[name] {
			files, err := os.ReadDir(dir)
			if err != nil {
				return err
			}
			for _, f := range files {
				if f.IsDir() || !isLicense.MatchString(f.Name()) || strings.HasSuffix(f.Name(), ".go") {
					continue
				}
				data, err := os.ReadFile(filepath.Join(dir, f.Name())) //nolint:gosec // G304: of a module
				if err != nil {
					return err
				}
				found++
				body := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
				t := known[body]
				if t == nil {
					t = &text{body: body}
					known[body], texts = t, append(texts, t)
				}
				if of := name + " (" + f.Name() + ")"; !slices.Contains(t.of, of) {
					t.of = append(t.of, of)
				}
			}
		}
		if found == 0 {
			return fmt.Errorf("%s has no licence", name)
		}
	}
	return os.WriteFile("THIRD-PARTY.txt", render(texts), 0o644) //nolint:gosec // G306: for everybody
}

func render(texts []*text) []byte {
	var b bytes.Buffer
	b.WriteString("aigen contains the software named below. Each is under the licence that follows its name.\n")
	for _, t := range texts {
		b.WriteString("\n" + strings.Repeat("=", 80) + "\n")
		for _, name := range t.of {
			b.WriteString(name + "\n")
		}
		b.WriteString(strings.Repeat("-", 80) + "\n\n" + t.body + "\n")
	}
	return b.Bytes()
}

// modules are the folders in which the licences of each module, "path version", are
// looked for: its root, and the packages that the program has of it.
func modules() (map[string][]string, error) {
	folders := map[string][]string{"files of the console's pages": {vendor}}
	goroot, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	folders["Go's standard library"] = []string{strings.TrimSpace(string(goroot))}
	// Linux is what is given out; for others go list may have to fetch more modules.
	list := exec.CommandContext(context.Background(), "go", "list", "-deps", "-json=Dir,Module", program)
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	return folders, collect(folders, out)
}

func collect(folders map[string][]string, out []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			Dir    string
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		name := p.Module.Path + " " + p.Module.Version
		// The package's folder and those above it, up to the module's.
		for dir := p.Dir; ; dir = filepath.Dir(dir) {
			if !slices.Contains(folders[name], dir) {
				folders[name] = append(folders[name], dir)
			}
			if dir == p.Module.Dir || len(dir) <= len(p.Module.Dir) {
				break
			}
		}
		slices.Sort(folders[name])
	}
}
