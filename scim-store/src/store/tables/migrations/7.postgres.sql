-- A row for each tenant, to lock it instead of a row for all.
CREATE TABLE tenant (tenant {TEXT} NOT NULL PRIMARY KEY, position bigint NOT NULL DEFAULT 0);
-- For trigram indexes that begin with the tenant.
CREATE EXTENSION IF NOT EXISTS btree_gin;
