package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/creativeflow/aigen/internal/config"
)

// FuzzLoad puts arbitrary text before a .env file full of secrets. Whatever it
// does to them (an open quote swallows the lines after it), none may be printed.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "LOG_LEVEL=debug\n", "LOG_LEVEL='", "LOG_LEVEL=\"", "export A=b # c\n", "LOG_LEVEL=${JWT_SECRET}\n", "JWT_SECRET=\\",
		"=x\n", "x", "LISTEN_ADDR=0.0.0.0:1\n", "DATABASE_URL=\"postgres://u:p@", "N8N_CALLBACK_SECRET=a,b\n", "LOG_LEVEL_FILE=.env\n",
		"CREDIT_COST_FINAL=1.5\nSAMPLES_TIMEOUT=1s\n", "\xef\xbb\xbfA: b\n", "JWT_PUBLIC_KEY=-----BEGIN PUBLIC KEY-----\\n", "A=$(x)\r\n",
	} {
		f.Add(seed)
	}
	secrets := strings.Join(allSecrets(), "\n") + "\n"
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, secretMark) {
			t.Skip("a secret outside of its setting")
		}
		c, err := load(files{".env": text + "\n" + secrets})
		printed := fmt.Sprintf("%v %+v", err, c.Warnings)
		if strings.Contains(printed, secretMark) {
			t.Fatalf("a secret is printed: %s", printed)
		}
		if err == nil {
			if shown := fmt.Sprintf("%+v %+v", c, c.Settings()); strings.Contains(shown, secretMark) {
				t.Fatalf("a secret is shown: %s", shown)
			}
		}
		if err != nil && len(faultsFrom(err)) == 0 {
			t.Fatal("an error without a fault")
		}
	})
}

func faultsFrom(err error) []config.Fault {
	if e, ok := err.(*config.Error); ok { //nolint:errorlint // Load returns it bare
		return e.Faults
	}
	return nil
}
