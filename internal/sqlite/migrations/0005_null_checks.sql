-- json_valid(NULL) is NULL in the SQLite of the service, and 0 in those up to 3.41, such
-- as Debian's sqlite3 3.40. There integrity_check counts rows without a value as faults,
-- and a .dump that is read back leaves them out. "x IS NULL OR json_valid(x)" says the
-- same in all of them.
--
-- The text of the schema is changed and no row, which takes no time on any number of
-- rows: what a constraint allows does not change how a table is stored
-- (sqlite.org/lang_altertable.html, section 7). Triggers and indexes stay as they are.
-- Rebuilding generations would cascade into runs.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    'CHECK (json_valid(samples))', 'CHECK (samples IS NULL OR json_valid(samples))'),
    'CHECK (json_valid(final_asset))', 'CHECK (final_asset IS NULL OR json_valid(final_asset))'),
    'CHECK (json_valid(failure))', 'CHECK (failure IS NULL OR json_valid(failure))')
WHERE type = 'table' AND name = 'generations';

UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (json_valid(input))', 'CHECK (input IS NULL OR json_valid(input))')
WHERE type = 'table' AND name = 'runs';

UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (json_valid(payload))', 'CHECK (payload IS NULL OR json_valid(payload))')
WHERE type = 'table' AND name = 'deliveries';

UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (json_valid(answer))', 'CHECK (answer IS NULL OR json_valid(answer))')
WHERE type = 'table' AND name = 'idempotency_keys';

-- Reads the schema anew here, and by its new version in every other connection.
PRAGMA writable_schema = RESET;
CREATE TABLE schema_was_changed (n INTEGER) STRICT;
DROP TABLE schema_was_changed;
