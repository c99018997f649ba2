-- Pictures that the service keeps (contract section 8), and what callers add to a request
-- (contract section 10).
--
-- Cost: the rows of generations are not rewritten. The two indexes on generations hold no
-- row at first; making them reads the table once, during which it takes no writes.
ALTER TABLE generations
    ADD COLUMN refs json,
    ADD COLUMN options json,
    ADD COLUMN external_id text,
    ADD COLUMN batch_id uuid;

CREATE UNIQUE INDEX generations_external ON generations (user_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX generations_batch ON generations (user_id, batch_id, created_at DESC, id DESC) WHERE batch_id IS NOT NULL;

-- No foreign key: the bytes have to be removed before the row, and outlive the generation
-- until they are. The name is 128 random bits; uuid is the type of that size.
CREATE TABLE assets (
    name          uuid        NOT NULL PRIMARY KEY,
    asset_id      text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('result', 'upload')),
    user_id       uuid        NOT NULL,
    generation_id uuid,
    job_id        uuid,
    model         text        NOT NULL,
    source_url    text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('waiting', 'stored', 'lost')),
    format        text        NOT NULL,
    width         bigint      NOT NULL,
    height        bigint      NOT NULL,
    size          bigint      NOT NULL,
    sha256        bytea       NOT NULL CHECK (length(sha256) = 32),
    source_hash   bytea       NOT NULL CHECK (length(source_hash) = 32),
    source_type   text        NOT NULL,
    created_at    timestamptz NOT NULL,
    stored_at     timestamptz,
    remove_at     timestamptz, -- while it is being removed: when another process may try
    CHECK ((state = 'stored') = (stored_at IS NOT NULL)),
    CHECK (kind = 'upload' OR generation_id IS NOT NULL)
);

CREATE INDEX assets_generation ON assets (generation_id) WHERE generation_id IS NOT NULL;
CREATE INDEX assets_id ON assets (user_id, asset_id);
CREATE INDEX assets_uploads ON assets (user_id, created_at DESC, name DESC) WHERE generation_id IS NULL;
CREATE INDEX assets_remove ON assets (remove_at) WHERE remove_at IS NOT NULL;

-- Which generations were given which pictures. A picture is kept while one of them works.
CREATE TABLE asset_uses (
    name          uuid NOT NULL,
    generation_id uuid NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    PRIMARY KEY (name, generation_id)
);

CREATE INDEX asset_uses_generation ON asset_uses (generation_id);

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_lane_check,
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_lane_check CHECK (lane IN ('jobs', 'credits', 'notifications', 'assets')),
    ADD CONSTRAINT deliveries_kind_check CHECK (kind IN ('sample_generation', 'final_generation', 'reserve', 'deduct', 'refund',
        'release', 'notify', 'ingest'));
