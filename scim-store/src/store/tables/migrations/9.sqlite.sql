-- The places of resources that have changed since the search index was written, which is done for many at once.
CREATE TABLE search_pending (place integer PRIMARY KEY);
