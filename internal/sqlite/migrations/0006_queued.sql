-- The open reservations of one user can be counted by the index: MAX_QUEUED_PER_USER asks
-- for that. runs_open had the generation first, by which nothing is looked up that the
-- primary key does not find as well.
--
-- Cost: the runs are read once, some seconds for ten million.
DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (user_id, generation_id, number, created_at, amount, reservation)
WHERE reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing';
