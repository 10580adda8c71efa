-- Rows without a tenant had an empty text before.
UPDATE resource SET tenant = '.' WHERE tenant = '';
UPDATE value SET tenant = '.' WHERE tenant = '';
UPDATE member SET tenant = '.' WHERE tenant = '';
UPDATE tombstone SET tenant = '.' WHERE tenant = '';
UPDATE unique_value SET tenant = '.' WHERE tenant = '';
