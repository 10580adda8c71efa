-- A row for each tenant, to lock it.
CREATE TABLE tenant (tenant text NOT NULL PRIMARY KEY, position bigint NOT NULL DEFAULT 0) WITHOUT ROWID;
DELETE FROM meta WHERE name = 'nesting';
