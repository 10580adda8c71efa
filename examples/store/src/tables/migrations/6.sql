-- How groups are nested is found out tenant by tenant.
DROP VIEW nesting;
-- All processes on the database seal cursors with one key.
INSERT INTO meta (name, value) VALUES ('cursor key', {SECRET});
