-- Apply counts the generations that it inserts itself (countGenerations): a row a
-- batch, where the trigger wrote one for each generation. Changes of a status and
-- removals are counted by the triggers as before.
--
-- Dialect: PostgreSQL keeps its trigger for those that Apply does not insert. Here
-- nobody else inserts.
DROP TRIGGER generations_count_insert;
