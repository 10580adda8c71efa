-- How groups are nested is found out tenant by tenant.
DROP VIEW nesting;
