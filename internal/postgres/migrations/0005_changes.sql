-- A number drawn for each change that wrote events. When the answer to a commit is lost,
-- whoever sent it looks for its own number: another process may have written the same
-- event over the same version of the same generation. Rows from before have none, and
-- nobody waits for an answer about them.
ALTER TABLE events ADD COLUMN change_id bigint;
