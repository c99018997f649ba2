package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil)

	assert.Equal(t, "127.0.0.1:8000", c.Server.ListenAddr)
	assert.Equal(t, 20*time.Second, c.Server.ShutdownTimeout)
	assert.Equal(t, 10, c.Database.PoolSize)
	assert.Equal(t, "creativeflow.jobs.generation", c.Engine.JobQueue)
	assert.Equal(t, "sub", c.Auth.UserClaim)
	assert.Equal(t, 720*time.Hour, c.Generation.SelectionTimeout)
	assert.Equal(t, "refund", c.Generation.ContentRejectedPolicy)
	assert.Equal(t, config.Hundredths(25), c.Credits.CostSample)
	assert.Equal(t, config.Hundredths(100), c.Credits.CostFinal)
	assert.Equal(t, config.Hundredths(200), c.Credits.CostFinalHiRes)
	assert.Zero(t, c.Credits.InitialInLedger)
	assert.True(t, c.Credits.SyncCheck)
	assert.True(t, c.Callback.Secured)
	assert.True(t, c.Worker.Render)
	assert.False(t, c.Log.Detailed)
	assert.GreaterOrEqual(t, c.Worker.Concurrency, 1)
	assert.LessOrEqual(t, c.Worker.Concurrency, 64)
	assert.Empty(t, c.Warnings)
	for _, s := range c.Settings() {
		assert.Equal(t, "default", s.Source, s.Name)
	}
}

func TestLoadPrecedence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files   files
		environ []string
		want    string
		source  string
	}{
		"default":                            {want: "info", source: "default"},
		".env over default":                  {files{".env": "LOG_LEVEL=warn"}, nil, "warn", ".env"},
		"environment over .env":              {files{".env": "LOG_LEVEL=warn"}, []string{"LOG_LEVEL=error"}, "error", "environment"},
		"empty in the environment":           {files{".env": "LOG_LEVEL=warn"}, []string{"LOG_LEVEL="}, "warn", ".env"},
		"empty in both":                      {files{".env": "LOG_LEVEL="}, []string{"LOG_LEVEL="}, "info", "default"},
		"a file, its line break trimmed":     {files{"/l": "debug\r\n"}, []string{"LOG_LEVEL_FILE=/l"}, "debug", "file /l"},
		"a file over .env":                   {files{".env": "LOG_LEVEL=warn", "/l": "debug"}, []string{"LOG_LEVEL_FILE=/l"}, "debug", "file /l"},
		"environment over a file in .env":    {files{".env": "LOG_LEVEL_FILE=/l"}, []string{"LOG_LEVEL=error"}, "error", "environment"},
		"a file in .env":                     {files{".env": "LOG_LEVEL_FILE=/l", "/l": "debug"}, nil, "debug", "file /l"},
		"the last of repeated names":         {nil, []string{"LOG_LEVEL=warn", "LOG_LEVEL=error"}, "error", "environment"},
		"any case, spaces around, a comment": {files{".env": "\ufeffexport LOG_LEVEL = \" WARN \" # loud\r\n"}, nil, "warn", ".env"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mustLoad(t, tt.files, tt.environ...)
			assert.Equal(t, tt.want, c.Log.Level)
			assert.Equal(t, tt.source, settingOf(t, c, "LOG_LEVEL").Source)
		})
	}
}

func TestLoadNamesEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	c, err := load(files{".env": "LOG_FORMAT=xml\nJWT_SECRET=short-secret\n", "/empty": "\n"},
		"DATABASE_POOL_SIZE=many", "DATABASE_URL=mysql://u:hunter2@h/d", "LISTEN_ADDR=nowhere",
		"LOG_LEVEL=info", "LOG_LEVEL_FILE=/x", "ODOO_API_KEY_FILE=/empty", "IMAGE_API_KEY_FILE=/missing",
		"NOTIFICATION_SERVICE_URL=localhost:9000", "SAMPLES_TIMEOUT=30", "N8N_CALLBACK_SECRET="+otherSecret)

	got := map[string]string{}
	for _, f := range faultsOf(t, err) {
		got[f.Setting] = f.Source
		assert.NotContains(t, f.String(), "\n")
	}
	assert.Equal(t, map[string]string{
		"LOG_FORMAT": ".env", "JWT_SECRET": ".env", "DATABASE_POOL_SIZE": "environment",
		"DATABASE_URL": "environment", "LISTEN_ADDR": "environment", "LOG_LEVEL": "environment",
		"ODOO_API_KEY": "file /empty", "IMAGE_API_KEY": "file /missing",
		"NOTIFICATION_SERVICE_URL": "environment", "SAMPLES_TIMEOUT": "environment",
	}, got)
	assert.Len(t, strings.Split(err.Error(), "\n"), len(got), "one line a fault")
	assert.NotContains(t, err.Error(), "short-secret")
	assert.NotContains(t, err.Error(), "hunter2")
	assert.Contains(t, err.Error(), `SAMPLES_TIMEOUT (environment): "30" is not a duration: give a number with a unit`)
	assert.Equal(t, "127.0.0.1:8000", c.Server.ListenAddr, "a faulty value leaves the default")
}

func TestLoadDotEnvFaults(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	tests := map[string]struct{ text, want string }{
		"no equals sign":        {"LOG_LEVEL=info\nJWT_SECRET " + secret + "\n", ".env: line 2 is not NAME=value"},
		"last line, no equals":  {"LOG_LEVEL=info\n" + secret, ".env: line 2 is not NAME=value"},
		"unclosed quote":        {"# first\n\nA='x\ny'\nJWT_SECRET=\"" + secret + "\nLOG_LEVEL=info", ".env: line 5 is not NAME=value"},
		"too large":             {strings.Repeat("# "+secret+"\n", 6000), ".env: is larger than"},
		"a $ that goes lost":    {"ODOO_API_KEY=" + secret + "$ABC\nODOO_SERVICE_URL=http://o", "ODOO_API_KEY (.env): has a $"},
		"a command":             {"ODOO_API_KEY=" + secret + "$(ID)\nODOO_SERVICE_URL=http://o", "ODOO_API_KEY (.env): has a $"},
		"quote closes too late": {"LOG_LEVEL='info\nODOO_API_KEY=" + secret + "'\n", "LOG_LEVEL (.env): has a line break"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(files{".env": tt.text})
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestLoadDotEnvKeepsDollars(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, files{".env": "BASE=odoo.internal\nODOO_SERVICE_URL=http://${BASE}/\nODOO_API_KEY='pa$SWORD'\n" +
		"IMAGE_API_URL=http://i\nIMAGE_API_KEY=\"a\\$B\"\n"})
	assert.Equal(t, "http://odoo.internal", c.Credits.OdooURL.Reveal(), "a known name is replaced, the slash trimmed")
	assert.Equal(t, "pa$SWORD", c.Credits.OdooKey.Reveal())
	assert.Equal(t, "a$B", c.Worker.ImageAPIKey.Reveal())
}

func TestLoadUnreadableDotEnv(t *testing.T) {
	t.Parallel()
	read := func(string) ([]byte, error) { return nil, errors.New("permission denied") }
	_, err := config.Load(config.Options{
		Environ: []string{"ODOO_SERVICE_URL=http://o", "LOG_LEVEL=loud"}, DotEnvPath: "prod.env", ReadFile: read,
	})
	faults := faultsOf(t, err)
	require.Len(t, faults, 2, "the missing ODOO_API_KEY may be in the file, so it is not reported")
	assert.Equal(t, "prod.env", faults[0].Setting)
	assert.Equal(t, "LOG_LEVEL", faults[1].Setting)
}

func TestLoadFromDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dotenv, huge := filepath.Join(dir, ".env"), filepath.Join(dir, "huge")
	require.NoError(t, os.WriteFile(dotenv, []byte("LOG_LEVEL=debug\nJWT_ISSUER_FILE="+huge), 0o600))
	require.NoError(t, os.WriteFile(huge, make([]byte, 1<<20+1), 0o600))
	c, err := config.Load(config.Options{Environ: []string{}, DotEnvPath: dotenv})
	require.ErrorContains(t, err, "JWT_ISSUER (file "+huge+"): cannot be read (larger than")
	assert.Equal(t, "debug", c.Log.Level)

	_, err = config.Load(config.Options{Environ: []string{}, DotEnvPath: dir})
	assert.ErrorContains(t, err, dir+": cannot be read")
}

func TestLoadWarnsOfTypos(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, files{".env": "LISTEN_ADR=:1\nJWT_SECERT_FILE=/x\nlog_level=debug\nPATH=/bin\nREDIS=x\nDATABASE_URL=sqlite:x.db\n"},
		"LISTEN_ADR=in the environment nobody minds")
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.String())
	}
	assert.Equal(t, []string{
		"JWT_SECERT_FILE (.env): is not a setting and has no effect: did you mean JWT_SECRET_FILE?",
		"LISTEN_ADR (.env): is not a setting and has no effect: did you mean LISTEN_ADDR?",
		"log_level (.env): is not a setting and has no effect: did you mean LOG_LEVEL?",
	}, got)
}
