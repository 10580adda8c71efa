-- Trigram indexes, for the operators `co` and `ew`.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX resource_unique_name_trigrams ON resource USING gin (unique_name gin_trgm_ops);
CREATE INDEX resource_display_trigrams ON resource USING gin (display gin_trgm_ops);
CREATE INDEX value_trigrams ON value USING gin (value gin_trgm_ops);
