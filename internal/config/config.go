package config

import "time"

// Config is every setting, read and checked. It is a plain value: copy it freely.
// Printing it in any way shows no secret (see [Secret] and [URL]).
type Config struct {
	Server        Server        `title:"Server"`
	Database      Database      `title:"Database and files"`
	Auth          Auth          `title:"Who may call"`
	Callback      Callback      `title:"Callbacks from the workflow engine"`
	Engine        Engine        `title:"Workflow engine"`
	Worker        Worker        `title:"Embedded engine"`
	Assets        Assets        `title:"Pictures"`
	Generation    Generation    `title:"Generations"`
	Credits       Credits       `title:"Credits"`
	Notifications Notifications `title:"Notifications"`
	Redis         Redis         `title:"Redis"`
	TLS           TLS           `title:"Certificates"`
	Log           Log           `title:"Logs and traces"`

	// Warnings are what Load found odd but not wrong, in a stable order.
	Warnings []Warning

	// origins says where each setting's value came from, by its name.
	origins map[string]string
}

// Server is how the HTTP API is reached.
type Server struct {
	ListenAddr         string        `env:"LISTEN_ADDR" default:"127.0.0.1:8000" check:"hostport" doc:"Address to listen on, host:port. Port 0 takes any free port; an empty host means all interfaces."`
	PublicURL          URL           `env:"PUBLIC_BASE_URL" schemes:"http https" base:"true" empty:"CALLBACK_BASE_URL" doc:"Base URL under which people reach this service, through the proxy in front of it: addresses of pictures begin with it, the console takes forms from its origin, and cookies are Secure where it is https."`
	CORSAllowedOrigins []string      `env:"CORS_ALLOWED_ORIGINS" empty:"no other origin" doc:"Origins whose web pages may call the API, comma-separated (https://app.example.com), or * for all."`
	RateLimitPerMinute int           `env:"RATE_LIMIT_PER_MINUTE" default:"0" min:"0" max:"1000000" doc:"Requests a user may make a minute, every call with a token counted; they may come at once. 0 sets no limit."`
	Console            bool          `env:"ENABLE_CONSOLE" default:"true" doc:"Whether the web console is served, at /. The API is there either way."`
	ShutdownTimeout    time.Duration `env:"SHUTDOWN_TIMEOUT" default:"20s" min:"1ms" max:"10m" doc:"How long a stop waits for requests and deliveries that are under way."`
	CoreDumps          bool          `env:"ENABLE_CORE_DUMPS" default:"false" doc:"Whether a crash may leave a core file, and a debugger of the same user may look in. Both show every secret. Linux only."`
}

// Database is where the state is kept.
type Database struct {
	URL      URL    `env:"DATABASE_URL" schemes:"postgres postgresql sqlite" empty:"the SQLite file aigen.db in DATA_DIR" doc:"Database: postgres://user:password@host/name or sqlite:<path>."`
	PoolSize int    `env:"DATABASE_POOL_SIZE" default:"10" min:"1" max:"1000" doc:"Connections held open to the database at most."`
	Batching bool   `env:"DATABASE_BATCHING" default:"true" doc:"Whether changes that come at the same time share a transaction, and loads a query. Turn it off to find out whether it is to blame for something; it costs most of the speed."`
	DataDir  string `env:"DATA_DIR" default:"./data" max:"4096" doc:"Directory for the SQLite file, the pictures and the secrets that are made at the first start. Made with mode 0700 where it is missing."`

	RetentionDays int `env:"RETENTION_DAYS" default:"0" min:"0" max:"36500" doc:"Days after which ended generations are deleted; 0 keeps them."`
}

// Auth is how user tokens are proved. At most one of Secret, PublicKey and
// JWKSURL is set; with none, EnsureSecrets makes a Secret.
type Auth struct {
	Secret    Secret `env:"JWT_SECRET" min:"32" max:"4096" empty:"made and kept in DATA_DIR/jwt.secret; then only loopback may be listened on" doc:"Shared secret that user tokens are signed with (HS256), as bytes of text."`
	PublicKey string `env:"JWT_PUBLIC_KEY" check:"publickey" multiline:"true" doc:"Public key of user tokens as PEM (RS256 with at least 2048 bits, ES256 or EdDSA). In one line, write \\n for the line breaks."`
	JWKSURL   URL    `env:"JWT_JWKS_URL" schemes:"https http" doc:"URL of the key set (JWKS) that user tokens are signed with."`
	Issuer    string `env:"JWT_ISSUER" max:"1024" empty:"not checked" doc:"The iss claim that a user token must carry."`
	Audience  string `env:"JWT_AUDIENCE" max:"1024" empty:"not checked" doc:"The aud claim that a user token must carry."`
	UserClaim string `env:"JWT_USER_CLAIM" default:"sub" max:"255" doc:"Claim of a user token that holds the user's UUID."`
	RoleClaim string `env:"JWT_ROLE_CLAIM" max:"255" empty:"roles, or role where there is no roles" doc:"Claim of a user token that holds the user's roles: a list of texts, or one text. Name one that users cannot write themselves."`
	Operator  string `env:"JWT_OPERATOR_VALUE" default:"operator" max:"255" doc:"The role that makes an operator, exactly as it stands in the claim."`

	Leeway time.Duration `env:"JWT_LEEWAY" default:"30s" min:"0s" max:"5m" doc:"How far the issuer's clock and ours may differ: a token is accepted this long before its nbf and after its exp."`
}

// Callback is how the workflow engine reports, and how it proves itself.
type Callback struct {
	Secrets []Secret `env:"N8N_CALLBACK_SECRET" min:"16" max:"4096" empty:"made and kept in DATA_DIR/callback.secret; then only loopback may be listened on" doc:"Secrets that prove a callback, comma-separated: the first is in use, the others are still accepted (for rotation)."`
	BaseURL URL      `env:"CALLBACK_BASE_URL" schemes:"http https" base:"true" endpoint:"/api/v1/callbacks/n8n" empty:"http:// and the address listened on" doc:"Base URL under which the workflow engine reaches this service."`
	Secured bool     `env:"ENABLE_N8N_CALLBACK_SECURITY" default:"true" doc:"Whether a callback must prove itself. With false, anyone who reaches the port can finish generations."`
}

// Engine is where jobs go. RabbitMQ wins over the webhook; with neither, the
// embedded engine works in the process.
type Engine struct {
	RabbitMQURL URL    `env:"RABBITMQ_URL" schemes:"amqp amqps" empty:"no broker" doc:"RabbitMQ that jobs are published to: amqp://user:password@host:5672/vhost."`
	JobQueue    string `env:"GENERATION_JOB_QUEUE" default:"creativeflow.jobs.generation" check:"queue" max:"250" doc:"Queue of the jobs, and the routing key they are published with. Its dead letters go to the same name with .dead after it."`
	JobExchange string `env:"GENERATION_JOB_EXCHANGE" max:"255" empty:"the default exchange" doc:"Exchange that jobs are published to."`
	WebhookURL  URL    `env:"N8N_WEBHOOK_URL" schemes:"http https" empty:"no webhook" doc:"n8n webhook that jobs are posted to where there is no RabbitMQ."`
	// WebhookTimeout is for webhooks that answer when the work has ended.
	WebhookTimeout time.Duration `env:"N8N_WEBHOOK_TIMEOUT" default:"15s" min:"1s" max:"10m" doc:"How long the webhook may take to answer. A job without an answer in that time may have been taken: it is sent again only after half of the time that its stage has left, and not at all once a callback for it has come."`
}

// Worker is the engine in the process, used when Engine names none.
type Worker struct {
	ImageAPIURL   URL    `env:"IMAGE_API_URL" schemes:"http https" base:"query" empty:"procedural pictures" doc:"Base URL of a server that speaks the OpenAI images API (https://api.openai.com/v1, or https://NAME.openai.azure.com/openai/deployments/MODEL?api-version=…)."`
	ImageAPIKey   Secret `env:"IMAGE_API_KEY" max:"4096" doc:"Key for IMAGE_API_URL."`
	ImageAPIModel string `env:"IMAGE_API_MODEL" max:"255" empty:"the server's own choice" doc:"Model asked of IMAGE_API_URL."`

	ImageAPITimeout     time.Duration `env:"IMAGE_API_TIMEOUT" default:"1h" min:"1s" max:"24h" doc:"Time for one picture of IMAGE_API_URL, from when it is asked for; the deadline of the stage bounds it too. A picture that takes longer is not asked for again, since it may have been paid for."`
	ImageAPIConcurrency int           `env:"IMAGE_API_CONCURRENCY" default:"4" min:"1" max:"64" doc:"Pictures asked of IMAGE_API_URL at once, over all jobs. 1 suits a server with one GPU."`

	Concurrency int  `env:"WORKER_CONCURRENCY" defaultFrom:"cores" min:"1" max:"64" doc:"Jobs that the embedded engine works on at once."`
	Render      bool `env:"WORKER_RENDER" default:"true" doc:"Whether the embedded engine makes pictures. With false it reports stub pictures at once, for load tests."`
}

// Assets is how the service keeps pictures (contract section 8).
type Assets struct {
	Ingest    bool   `env:"ASSET_INGEST" default:"true" doc:"Whether the service keeps a copy of every picture. With false the engine's URL is passed on, for as long as it works."`
	Store     URL    `env:"ASSET_STORE" schemes:"s3" base:"query" empty:"files in DATA_DIR/assets" doc:"Bucket that pictures are kept in: s3://bucket/prefix?endpoint=https://host&region=name. Without endpoint it is Amazon's."`
	AccessKey Secret `env:"ASSET_STORE_ACCESS_KEY" max:"4096" doc:"Access key for ASSET_STORE."`
	SecretKey Secret `env:"ASSET_STORE_SECRET_KEY" max:"4096" doc:"Secret key for ASSET_STORE."`
	Delivery  string `env:"ASSET_DELIVERY" default:"serve" oneof:"serve redirect" doc:"Whether the service sends the bytes, or redirects to a presigned URL of ASSET_STORE."`

	MaxBytes int           `env:"ASSET_MAX_BYTES" default:"67108864" min:"1024" max:"1073741824" doc:"Size of a picture that an engine may report or hand over, in bytes."`
	Sources  []string      `env:"ASSET_SOURCES" check:"sources" empty:"the public network alone" doc:"Hosts, addresses and CIDRs that pictures may be copied from although they are not of the public network, comma-separated (files.internal,10.0.0.0/8)."`
	URLTTL   time.Duration `env:"ASSET_URL_TTL" default:"0s" min:"0s" max:"8760h" doc:"How long the URL of a picture works; every read gives a fresh one. 0: for good."`

	SamplesRetention time.Duration `env:"SAMPLES_RETENTION" default:"720h" min:"0s" max:"87600h" doc:"How long samples that were not chosen are kept after the end of their generation; 0: as long as the generation."`
	UploadRetention  time.Duration `env:"UPLOAD_RETENTION" default:"720h" min:"1m" max:"87600h" doc:"How long an upload is kept after the end of the last generation that used it."`
}

// Generation is the life of a generation: deadlines and attempts.
type Generation struct {
	SamplesTimeout        time.Duration `env:"SAMPLES_TIMEOUT" default:"5m" min:"1ms" max:"24h" doc:"Time for the samples stage; past it the generation fails and is refunded."`
	FinalTimeout          time.Duration `env:"FINAL_TIMEOUT" default:"10m" min:"1ms" max:"24h" doc:"Time for the final stage; past it the generation fails and is refunded."`
	SelectionTimeout      time.Duration `env:"SELECTION_TIMEOUT" default:"720h" min:"1ms" max:"8760h" doc:"Time to select a sample; past it the generation is cancelled."`
	MaxStageAttempts      int           `env:"MAX_STAGE_ATTEMPTS" default:"3" min:"1" max:"20" doc:"Jobs dispatched for one run at most, the first included, while failures are retryable."`
	LimitPerMinute        int           `env:"GENERATION_LIMIT_PER_MINUTE" default:"60" min:"0" max:"1000000" doc:"How often a user may start work a minute: create, regenerate, select. They may come at once. 0 sets no limit."`
	MaxQueuedPerUser      int           `env:"MAX_QUEUED_PER_USER" default:"200" min:"0" max:"1000000" doc:"Generations of one user that wait or are worked on, at most. Those that wait for a choice do not count. 0 sets no limit."`
	OutboxMaxAttempts     int           `env:"OUTBOX_MAX_ATTEMPTS" default:"10" min:"1" max:"1000" doc:"Times a delivery is tried before it is set aside for an operator."`
	ContentRejectedPolicy string        `env:"CONTENT_REJECTED_POLICY" default:"refund" oneof:"refund charge" doc:"What happens to the credits of a run whose content was rejected."`
}

// Credits is what things cost, and who keeps the accounts. With no OdooURL the
// embedded ledger does.
type Credits struct {
	OdooURL         URL           `env:"ODOO_SERVICE_URL" schemes:"http https" base:"true" empty:"the embedded ledger" doc:"Base URL of the Odoo credit service."`
	OdooKey         Secret        `env:"ODOO_API_KEY" max:"4096" doc:"Key for ODOO_SERVICE_URL; required with it."`
	OdooDatabase    string        `env:"ODOO_DATABASE" max:"63" empty:"the one that Odoo finds by itself" doc:"Name of Odoo's database, sent as X-Odoo-Database; needed where one Odoo 19 serves several. Odoo 17 and 18 do not heed it: there Odoo's dbfilter decides."`
	OdooTimeout     time.Duration `env:"ODOO_TIMEOUT" default:"10s" min:"1ms" max:"5m" doc:"Time for one call to the credit service."`
	SyncCheck       bool          `env:"USE_SYNC_CREDIT_CHECK" default:"true" doc:"Whether credits are reserved before a request is accepted. With false they are reserved in the background."`
	CostSample      Hundredths    `env:"CREDIT_COST_SAMPLE" default:"0.25" min:"0" max:"1000000" doc:"Price of one sample."`
	CostFinal       Hundredths    `env:"CREDIT_COST_FINAL" default:"1.00" min:"0" max:"1000000" doc:"Price of a final picture."`
	CostFinalHiRes  Hundredths    `env:"CREDIT_COST_FINAL_HIGHRES" default:"2.00" min:"0" max:"1000000" doc:"Price of a final picture whose longer side is over 2048 pixels."`
	InitialInLedger Hundredths    `env:"LEDGER_INITIAL_CREDITS" default:"0" min:"0" max:"1000000" doc:"What a new user of the embedded ledger starts with."`
}

// Notifications is who is told. With no URL they go to the log.
type Notifications struct {
	URL URL    `env:"NOTIFICATION_SERVICE_URL" schemes:"http https" base:"true" endpoint:"/api/v1/notify" empty:"the log" doc:"Base URL of the notification service."`
	Key Secret `env:"NOTIFICATION_API_KEY" max:"4096" empty:"sent without a key" doc:"Key for NOTIFICATION_SERVICE_URL."`
}

// Redis carries live events and limits between instances; with no URL, memory does.
type Redis struct {
	URL URL `env:"REDIS_URL" schemes:"redis rediss unix redis+cluster rediss+cluster redis+sentinel rediss+sentinel redis-sentinel rediss-sentinel valkey valkeys" empty:"memory, for one instance" doc:"Redis that instances share live events and rate limits through: redis://:password@host:6379/0 (rediss:// for TLS), unix:///path, redis://host1,host2,host3 (Cluster) or redis+sentinel://host1,host2/master (Sentinel). Services with different databases hear nothing of each other."`
}

// TLS is whom the service trusts on the connections that it makes.
type TLS struct {
	CACertificates string `env:"CA_CERTIFICATES" check:"certificates" multiline:"true" empty:"the system's CAs alone" doc:"Certificates of CAs of your own, as PEM, trusted beside the system's on every connection that the service makes (HTTP, AMQP, Redis, and PostgreSQL without sslrootcert). Usually given as CA_CERTIFICATES_FILE, the path of the file."`
}

// Log is what is written for operators.
type Log struct {
	Level    string `env:"LOG_LEVEL" default:"info" oneof:"debug info warn error" doc:"Least severe level that is logged."`
	Format   string `env:"LOG_FORMAT" default:"text" oneof:"json text" doc:"Form of the log lines."`
	Detailed bool   `env:"ENABLE_DETAILED_LOGGING" default:"false" doc:"Whether prompts may appear in the log. Tokens never do."`
	OTLPURL  URL    `env:"OTEL_EXPORTER_OTLP_ENDPOINT" schemes:"http https" base:"true" endpoint:"/v1/traces" empty:"no traces" doc:"Base URL of the OpenTelemetry collector that traces are sent to."`
}
