-- The tenant is the first column of each key, so that the tables can be distributed by it. The new indexes exist
-- already.
ALTER TABLE resource DROP CONSTRAINT resource_pkey, ADD CONSTRAINT resource_pkey PRIMARY KEY USING INDEX resource_key;
ALTER TABLE value DROP CONSTRAINT value_pkey, ADD CONSTRAINT value_pkey PRIMARY KEY USING INDEX value_key;
ALTER TABLE member DROP CONSTRAINT member_pkey, ADD CONSTRAINT member_pkey PRIMARY KEY USING INDEX member_key;
DROP INDEX member_nested, unique_value_place;
DROP INDEX resource_unique_name_trigrams, resource_display_trigrams, value_trigrams;

-- A row of `tenant` is locked instead. Processes of earlier versions lock this one until here.
DELETE FROM meta WHERE name = 'nesting';
