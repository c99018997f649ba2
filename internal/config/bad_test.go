package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

var (
	badURL  = []string{"no", "http:", "http://", "http://:80", "http://h:0", "http://h:70000", "http://h:x", "ftp://h", "http://h/#f", "http://u:p#w@h", "http://h h", "http://h1,h2/", "http://h/%zz", "http://h/" + strings.Repeat("a", 9000)}
	badBase = append([]string{"http://h/?q=1", "http://h?"}, badURL...)
	badBool = []string{"maybe", "2", "truee"}
	badCost = []string{"-1", "+1", "1.234", ".5", "1.", "1e3", "1,00", "1000000.01", "9999999999999", "0x1", "NaN"}
	badTime = []string{"30", "-1s", "0s", "10000h", "1 s", "soon", "9999999999999999999h"}
)

func badInt(high string) []string {
	return []string{"-1", high, "1.5", "ten", "1_0", "0x1", "99999999999999999999"}
}

// badValues has every setting; one that takes any text is bad only by length.
var badValues = map[string][]string{
	"LISTEN_ADDR":                  {"8000", "host", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "::1:8000", "a b:80", "[::1:80", "h:080"},
	"CORS_ALLOWED_ORIGINS":         {"example.com", "https://a/", "https://a/path", "*,https://a", "https://a,,https://b", "ftp://a", "https://u@a", "null", "https://a:99999"},
	"RATE_LIMIT_PER_MINUTE":        badInt("1000001"),
	"SHUTDOWN_TIMEOUT":             badTime,
	"ENABLE_CORE_DUMPS":            badBool,
	"DATABASE_URL":                 {"mysql://h/d", "postgres://", "postgres:///d", "postgres://h:0/d", "sqlite:", "sqlite://host/x", "sqlite::memory:", "sqlite:x?mode=rw", "x.db", "postgres://u:p%@h/d", "postgres://u:p@ss@h/d", "postgres://u@server:p@h/d"},
	"DATABASE_POOL_SIZE":           append(badInt("1001"), "0"),
	"DATABASE_BATCHING":            badBool,
	"DATA_DIR":                     {strings.Repeat("d", 4097), "a\x00b"},
	"RETENTION_DAYS":               badInt("36501"),
	"JWT_SECRET":                   {"short", strings.Repeat("x", 31), strings.Repeat("x", 4097), longSecret + " ", longSecret + "\x01", "\xff" + longSecret},
	"JWT_PUBLIC_KEY":               {"no PEM", "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"},
	"JWT_JWKS_URL":                 badURL,
	"JWT_ISSUER":                   {strings.Repeat("i", 1025), "a\nb"},
	"JWT_AUDIENCE":                 {strings.Repeat("i", 1025)},
	"JWT_USER_CLAIM":               {strings.Repeat("i", 256), "   "},
	"JWT_ROLE_CLAIM":               {strings.Repeat("i", 256), "   "},
	"JWT_OPERATOR_VALUE":           {strings.Repeat("i", 256), "   "},
	"JWT_LEEWAY":                   {"-1s", "5m1s", "30", "soon"},
	"CA_CERTIFICATES":              {"no PEM", "/etc/ca.pem", "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"},
	"N8N_CALLBACK_SECRET":          {"short", otherSecret + ",short", otherSecret + ",", ",", otherSecret + ",," + otherSecret},
	"CALLBACK_BASE_URL":            badBase,
	"PUBLIC_BASE_URL":              badBase,
	"ENABLE_N8N_CALLBACK_SECURITY": badBool,
	"RABBITMQ_URL":                 {"http://h", "amqp://", "amqp://:5672", "amqp://u:p@h:99999", "h:5672", "amqp://h1,h2/v", "amqp://u:1/2@h/v"},
	"GENERATION_JOB_QUEUE":         {"amq.x", strings.Repeat("q", 251)},
	"GENERATION_JOB_EXCHANGE":      {strings.Repeat("q", 256)},
	"N8N_WEBHOOK_URL":              badURL,
	"IMAGE_API_URL":                badURL,
	"IMAGE_API_KEY":                {strings.Repeat("k", 4097), "  ", "a\nb"},
	"IMAGE_API_MODEL":              {strings.Repeat("m", 256)},
	"IMAGE_API_TIMEOUT":            {"x", "10", "-1s", "0s", "999ms", "24h1ms"},
	"IMAGE_API_CONCURRENCY":        {"0", "65", "-1", "x", "1.5"},
	"WORKER_CONCURRENCY":           append(badInt("65"), "0"),
	"ENABLE_CONSOLE":               badBool,
	"WORKER_RENDER":                badBool,
	"SAMPLES_TIMEOUT":              badTime,
	"ASSET_INGEST":                 badBool,
	"ASSET_STORE":                  {"https://bucket", "bucket", "s3:/x", "ftp://x"},
	"ASSET_STORE_ACCESS_KEY":       {strings.Repeat("k", 4097), " k"},
	"ASSET_STORE_SECRET_KEY":       {strings.Repeat("k", 4097), " k"},
	"ASSET_DELIVERY":               {"proxy", "Serve,redirect"},
	"ASSET_MAX_BYTES":              {"1023", "1073741825", "64MiB", "-1"},
	"ASSET_SOURCES":                {"http://a", "a b", "10.0.0.0/64", "a,,b", "*.example.com"},
	"ASSET_URL_TTL":                {"-1s", "8761h", "1", "x"},
	"SAMPLES_RETENTION":            {"-1s", "87601h", "1", "x"},
	"UPLOAD_RETENTION":             {"0s", "87601h", "1", "x"},
	"FINAL_TIMEOUT":                badTime,
	"SELECTION_TIMEOUT":            badTime,
	"MAX_STAGE_ATTEMPTS":           append(badInt("21"), "0"),
	"GENERATION_LIMIT_PER_MINUTE":  badInt("1000001"),
	"MAX_QUEUED_PER_USER":          badInt("1000001"),
	"OUTBOX_MAX_ATTEMPTS":          append(badInt("1001"), "0"),
	"CONTENT_REJECTED_POLICY":      {"keep", "refund,charge"},
	"ODOO_SERVICE_URL":             badBase,
	"ODOO_API_KEY":                 {strings.Repeat("k", 4097), " k"},
	"ODOO_TIMEOUT":                 append([]string{"6m"}, badTime...),
	"N8N_WEBHOOK_TIMEOUT":          append([]string{"999ms", "11m"}, badTime...),
	"ODOO_DATABASE":                {strings.Repeat("d", 64)},
	"USE_SYNC_CREDIT_CHECK":        badBool,
	"CREDIT_COST_SAMPLE":           badCost,
	"CREDIT_COST_FINAL":            badCost,
	"CREDIT_COST_FINAL_HIGHRES":    badCost,
	"LEDGER_INITIAL_CREDITS":       badCost,
	"NOTIFICATION_SERVICE_URL":     badBase,
	"NOTIFICATION_API_KEY":         {strings.Repeat("k", 4097)},
	"REDIS_URL":                    {"http://h", "redis://", "unix://", "unix://host/p", "unix:///", "h:6379", "redis://h:1,h:0", "redis://h:1,:2", "redis://h:1,h:x", "redis://h:1,,h:2x", "redis://u:1?2@h"},
	"LOG_LEVEL":                    {"trace", "INFO+1", "debug info"},
	"LOG_FORMAT":                   {"xml"},
	"ENABLE_DETAILED_LOGGING":      badBool,
	"OTEL_EXPORTER_OTLP_ENDPOINT":  append([]string{"localhost:4317"}, badBase...),
}

func TestEverySettingRefusesBadValues(t *testing.T) {
	t.Parallel()
	for _, s := range (config.Config{}).Settings() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, badValues[s.Name], "write bad values for the new setting here")
			for _, bad := range badValues[s.Name] {
				_, err := load(nil, s.Name+"="+bad)
				require.Error(t, err, "%.60q", bad)
				fault := faultsOf(t, err)[0]
				assert.Equal(t, s.Name, fault.Setting, "%.60q", bad)
				assert.Equal(t, "environment", fault.Source)
				assert.Contains(t, fault.Problem, ":", "says what to change: %s", fault.Problem)
				assert.Less(t, len(fault.Problem), 250)
				if s.Secret && len(bad) > 8 {
					assert.NotContains(t, err.Error(), bad)
				}
			}
		})
	}
}

func TestGoodValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ setting, value, want string }{
		{"LISTEN_ADDR", "[::1]:0", "[::1]:0"},
		{"LISTEN_ADDR", "localhost:65535", "localhost:65535"},
		{"CORS_ALLOWED_ORIGINS", "https://A.example:8443, http://localhost:3000", "https://a.example:8443,http://localhost:3000"},
		{"CORS_ALLOWED_ORIGINS", "*", "*"},
		{"DATABASE_URL", "postgres://u:p@h:5432/d?sslmode=require", "postgres://u:xxxxx@h:5432/d?sslmode=require"},
		{"DATABASE_URL", "postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql"},
		{"DATABASE_URL", "sqlite:./a b.db", "sqlite:./a b.db"},
		{"DATABASE_URL", "sqlite:///var/x.db", "sqlite:/var/x.db"},
		{"REDIS_URL", "rediss://:p@h:6379/1", "rediss://:xxxxx@h:6379/1"},
		{"REDIS_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"},
		{"REDIS_URL", "redis://:p@h1:7000,h2,h3:7002", "redis://:xxxxx@h1:7000,h2,h3:7002"},
		{"REDIS_URL", "redis+sentinel://u:p@h1,h2/main?sentinel_password=q", "redis+sentinel://u:xxxxx@h1,h2/main?sentinel_password=xxxxx"},
		{"REDIS_URL", "REDIS://h", "redis://h"},
		{"REDIS_URL", "redis://h1:1,h2", "redis://h1:1,h2"},
		{"REDIS_URL", "redis://:p@[::1]:1,h2,[::2]", "redis://:xxxxx@[::1]:1,h2,[::2]"},
		{"RABBITMQ_URL", "AMQPS://h", "amqps://h"},
		{"DATABASE_URL", "POSTGRES://u:p@h/d", "postgres://u:xxxxx@h/d"},
		{"DATABASE_URL", "SQLITE:X.db", "sqlite:X.db"},
		{"N8N_WEBHOOK_URL", "HTTPS://n/Webhook/X", "https://n/Webhook/X"},
		{"N8N_WEBHOOK_URL", "https://n/w?to=a@b", "https://xxxxx"},
		{"N8N_WEBHOOK_URL", "https://u:p@n/w?to=a@b", "https://u:xxxxx@n/w?to=a@b"},
		{"NOTIFICATION_SERVICE_URL", "https://n/push/api/v1/notify/", "https://n/push"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/v1/traces", "http://c:4318"},
		{"CALLBACK_BASE_URL", "https://a/api/v1/callbacks/n8n", "https://a"},
		{"JWT_LEEWAY", "0", "0s"},
		{"RABBITMQ_URL", "amqps://guest:guest@h/%2F", "amqps://guest:xxxxx@h/%2F"},
		{"IMAGE_API_URL", "https://api.openai.com/v1/", "https://api.openai.com/v1"},
		{"IMAGE_API_URL", "https://a.openai.azure.com/openai/deployments/d?api-version=1", "https://a.openai.azure.com/openai/deployments/d?api-version=1"},
		{"N8N_WEBHOOK_URL", "https://n/webhook/x?auth=hunter2", "https://n/webhook/x?auth=xxxxx"},
		{"JWT_JWKS_URL", "https://token@h/keys", "https://xxxxx@h/keys"},
		{"CREDIT_COST_SAMPLE", "1000000", "1000000.00"},
		{"CREDIT_COST_SAMPLE", "0", "0.00"},
		{"CREDIT_COST_SAMPLE", "0.5", "0.50"},
		{"LEDGER_INITIAL_CREDITS", "100", "100.00"},
		{"WORKER_RENDER", "OFF", "false"},
		{"ENABLE_DETAILED_LOGGING", "yes", "true"},
		{"SELECTION_TIMEOUT", "8760h", "8760h"},
		{"SAMPLES_TIMEOUT", "1h30m", "1h30m"},
		{"SAMPLES_TIMEOUT", "10m0s", "10m"},
		{"SAMPLES_TIMEOUT", "100ms", "100ms"},
		{"LOG_FORMAT", "JSON", "json"},
		{"N8N_CALLBACK_SECRET", otherSecret + " , " + longSecret, "[secret],[secret]"},
	}
	for _, tt := range tests {
		t.Run(tt.setting+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			c := mustLoad(t, nil, tt.setting+"="+tt.value)
			assert.Equal(t, tt.want, settingOf(t, c, tt.setting).Value)
		})
	}
}
