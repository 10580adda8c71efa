-- A recursive query in each statement replaces the view: it reads one tenant only.
DROP VIEW nesting;
-- The key with which all processes on the database seal cursors.
INSERT INTO meta (name, value) VALUES ('cursor key', {SECRET});
