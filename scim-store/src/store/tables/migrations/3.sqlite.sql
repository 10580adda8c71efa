-- A trigram index, for the operators `co` and `ew`. From this version on, the store writes it with every resource;
-- the statement below writes it for the resources that exist already.
CREATE VIRTUAL TABLE search USING fts5 (
    unique_name, display, value,
    content='', contentless_delete=1, tokenize='trigram case_sensitive 1'
);
INSERT INTO search (rowid, unique_name, display, value)
SELECT place, coalesce(unique_name, ''), coalesce(display, ''),
    coalesce((SELECT group_concat(v.value, char(10)) FROM value v WHERE v.place = r.place), '')
FROM resource r;
