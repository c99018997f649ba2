package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Secrets are compared in constant time. That cannot be measured honestly on a machine
// that does other things, so it is read: in the packages that prove anything, nothing
// whose name says that it is a secret, or made from one, is compared by other means than
// crypto/subtle and crypto/hmac.

// secretName is what such things are called here.
var secretName = regexp.MustCompile(`(?i)(secret|token|passw|apikey|bearer|signature|cookie|proof|hmac|digest)|(^|[a-z_])(mac|sum|sig|nonce|session)s?$|MAC$|Sum$`)

// guarded are the packages that handle proofs.
var guarded = []string{"internal/auth", "internal/httpapi", "internal/webhooksig", "internal/app", "internal/worker", "internal/n8nwebhook", "internal/console"}

// harmless are comparisons of what has such a name and is no secret: "file: expression",
// and why. One that is not there any more is an error too, so that the list stays true.
var harmless = map[string]string{
	`internal/auth/auth.go: strings.ContainsAny(token, "\r\n")`:             "looks for line breaks, not for another token",
	`internal/auth/static.go: bytes.Contains(secret, []byte("-----BEGIN"))`: "looks at a setting, at the start",
	"internal/auth/cache.go: shard.entries[sum]":                            "is found by its SHA-256: to make one that begins as another does is to break SHA-256",
	"internal/auth/fetch.go: old.sum == set.sum":                            "is of public keys",
	"internal/auth/keyset.go: fields.USE != jwkset.UseSig":                  "is the word that a key's use is told by",
	"internal/httpapi/callback.go: cmd.Report.JobID != tokenJob":            "is an id, after the token that holds it was found to be good",
}

func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, dir := range guarded {
		for _, path := range goFiles(t, filepath.Join("../..", dir)) {
			name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
			src, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, found := range comparisons(t, path, src) {
				key := name + ": " + found.text
				used[key] = true
				assert.NotEmpty(t, harmless[key], "%s:%d compares %s: use subtle.ConstantTimeCompare or hmac.Equal, or say in harmless (%q) why it is no secret",
					name, found.line, found.text, key)
			}
		}
	}
	for key := range harmless {
		assert.True(t, used[key], "harmless has %q, which is not in the source any more", key)
	}
}

// TestComparisonsAreFound holds the check itself against code that must not be.
func TestComparisonsAreFound(t *testing.T) {
	t.Parallel()
	found := func(body string) int {
		src := "package x\nimport (\"bytes\"; \"strings\"; \"slices\"; \"reflect\"; \"crypto/subtle\"; \"crypto/hmac\")\nfunc f() {\n" + body + "\n}\n"
		return len(comparisons(t, "x.go", []byte(src)))
	}
	for _, bad := range []string{
		`_ = token == given`, `_ = given != c.Secret`, `_ = string(mac) == given`, `_ = sum == sha256.Sum256(b)`,
		`_ = bytes.Equal(wantMAC, got)`, `_ = strings.EqualFold(a, apiKey)`, `_ = slices.Contains(secrets, got)`,
		`_ = reflect.DeepEqual(signature, x)`, `_ = strings.HasPrefix(token, got)`, `switch token { case given: }`,
		`_ = s.Secret.Reveal() == got`, `_ = m[token]`, `_ = cmp.Compare(s.sum, x)`, `_ = bytes.Compare(hmacOf(b), x)`,
	} {
		assert.Positive(t, found(bad), bad)
	}
	for _, good := range []string{
		`_ = token == ""`, `_ = len(token) != 64`, `_ = secret == nil`, `_ = subtle.ConstantTimeCompare(mac, given) == 1`,
		`_ = hmac.Equal(mac, given)`, `_ = err == ErrToken`, `_ = name == "token"`, `_ = len(secrets) == 0`, `_ = status == 200`,
		`switch { case token == "": }`, `_ = sum == 0`, `_ = i < len(keys)`,
	} {
		assert.Zero(t, found(good), good)
	}
}

type comparison struct {
	line int
	text string
}

// comparisons are those that look at secrets and are none of the good ones.
func comparisons(t *testing.T, path string, src []byte) (list []comparison) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, src, 0)
	require.NoError(t, err)
	add := func(n ast.Node) {
		at, end := files.Position(n.Pos()), files.Position(n.End())
		text := strings.Join(strings.Fields(string(src[at.Offset:end.Offset])), " ")
		list = append(list, comparison{at.Line, text})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			equality := x.Op == token.EQL || x.Op == token.NEQ
			if equality && !trivial(x.X) && !trivial(x.Y) && (secret(x.X) || secret(x.Y)) {
				add(x)
			}
		case *ast.CallExpr:
			if comparing(x.Fun) && slices.ContainsFunc(x.Args, secret) {
				add(x)
			}
		case *ast.SwitchStmt:
			if x.Tag != nil && secret(x.Tag) {
				add(x.Tag)
			}
		case *ast.IndexExpr:
			if secret(x.Index) { // a map finds its key by comparing
				add(x)
			}
		}
		return true
	})
	return list
}

// comparing reports whether a function compares its arguments, and not in constant time.
func comparing(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	if !ok {
		return false
	}
	switch pkg.Name {
	case "bytes", "strings", "slices", "reflect", "cmp", "maps":
	default:
		return false
	}
	for _, word := range []string{"Equal", "Compare", "Contains", "Index", "HasPrefix", "HasSuffix"} {
		if strings.Contains(s.Sel.Name, word) {
			return true
		}
	}
	return false
}

// trivial are sides of a comparison that tell nothing: nil, literals, lengths, errors.
func trivial(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return x.Name == "nil" || x.Name == "true" || x.Name == "false" || strings.HasPrefix(x.Name, "Err") || strings.HasPrefix(x.Name, "err") ||
			strings.HasPrefix(x.Name, "code")
	case *ast.SelectorExpr:
		return strings.HasPrefix(x.Sel.Name, "Err") || strings.HasPrefix(x.Sel.Name, "Size")
	case *ast.CallExpr:
		name := nameOf(x.Fun)
		return name == "len" || name == "cap" || name == "ConstantTimeCompare"
	case *ast.ParenExpr:
		return trivial(x.X)
	}
	return false
}

// secret reports whether an expression is named like a secret.
func secret(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(x.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(x.Sel.Name)
	case *ast.ParenExpr:
		return secret(x.X)
	case *ast.StarExpr:
		return secret(x.X)
	case *ast.UnaryExpr:
		return secret(x.X)
	case *ast.SliceExpr:
		return secret(x.X)
	case *ast.IndexExpr:
		return secret(x.X)
	case *ast.CallExpr:
		switch name := nameOf(x.Fun); {
		case name == "len" || name == "cap":
			return false
		case name == "Reveal" || secretName.MatchString(name) || strings.HasPrefix(name, "Sum"):
			return true
		case name == "string" || name == "byte":
			return slices.ContainsFunc(x.Args, secret)
		}
		// A method of a secret: secret.String().
		if s, ok := x.Fun.(*ast.SelectorExpr); ok {
			return secret(s.X)
		}
	}
	return false
}

func nameOf(fun ast.Expr) string {
	switch x := fun.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// goFiles are the files of a folder and those below it, without tests. A folder that is
// not there has none.
func goFiles(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, path)
		}
		return nil
	})
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	return paths
}
