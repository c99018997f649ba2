-- Pictures that the service keeps (contract section 8), and what callers add to a request
-- (contract section 10).
--
-- Cost: the rows of generations are not rewritten. The two indexes on generations hold no
-- row at first, and making them reads the table once.
ALTER TABLE generations ADD COLUMN refs TEXT CHECK (refs IS NULL OR json_valid(refs));
ALTER TABLE generations ADD COLUMN options TEXT CHECK (options IS NULL OR json_valid(options));
ALTER TABLE generations ADD COLUMN external_id TEXT;
ALTER TABLE generations ADD COLUMN batch_id BLOB CHECK (batch_id IS NULL OR length(batch_id) = 16);

CREATE UNIQUE INDEX generations_external ON generations (user_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX generations_batch ON generations (user_id, batch_id, created_at DESC, id DESC) WHERE batch_id IS NOT NULL;

-- No foreign key: the bytes have to be removed before the row, and outlive the generation
-- until they are.
CREATE TABLE assets (
    name          BLOB    NOT NULL PRIMARY KEY CHECK (length(name) = 16),
    asset_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind = 'result' OR kind = 'upload'),
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    generation_id BLOB    CHECK (generation_id IS NULL OR length(generation_id) = 16),
    job_id        BLOB    CHECK (job_id IS NULL OR length(job_id) = 16),
    model         TEXT    NOT NULL,
    source_url    TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state = 'waiting' OR state = 'stored' OR state = 'lost'),
    format        TEXT    NOT NULL,
    width         INTEGER NOT NULL,
    height        INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    sha256        BLOB    NOT NULL CHECK (length(sha256) = 32),
    source_hash   BLOB    NOT NULL CHECK (length(source_hash) = 32),
    source_type   TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    stored_at     INTEGER,
    remove_at     INTEGER, -- while it is being removed: when another process may try
    CHECK ((state = 'stored') = (stored_at IS NOT NULL)),
    CHECK (kind = 'upload' OR generation_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX assets_generation ON assets (generation_id) WHERE generation_id IS NOT NULL;
CREATE INDEX assets_id ON assets (user_id, asset_id);
CREATE INDEX assets_uploads ON assets (user_id, created_at DESC, name DESC) WHERE generation_id IS NULL;
CREATE INDEX assets_remove ON assets (remove_at) WHERE remove_at IS NOT NULL;

-- Which generations were given which pictures. A picture is kept while one of them works.
CREATE TABLE asset_uses (
    name          BLOB NOT NULL CHECK (length(name) = 16),
    generation_id BLOB NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    PRIMARY KEY (name, generation_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX asset_uses_generation ON asset_uses (generation_id);

-- As in 0005: a constraint that allows more changes no row.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(replace(sql,
    'lane = ''notifications'')', 'lane = ''notifications'' OR lane = ''assets'')'),
    'kind = ''notify'')', 'kind = ''notify'' OR kind = ''ingest'')')
WHERE type = 'table' AND name = 'deliveries';

PRAGMA writable_schema = RESET;
CREATE TABLE schema_was_changed (n INTEGER) STRICT;
DROP TABLE schema_was_changed;
