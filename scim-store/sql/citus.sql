-- Distributes the tables of `Store` by tenant over the workers of a Citus cluster. Run it after `Store::open` has created or
-- upgraded the tables, and before there is much data: existing rows are moved. If you run it again after an upgrade that
-- has created tables, Citus reports an error for each table that is distributed already; these stay as they are.
--
-- All rows of a tenant are on one worker, so each statement of the store goes to one worker, and so does each transaction.
SELECT create_distributed_table('resource', 'tenant');
SELECT create_distributed_table('value', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('unique_value', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('member', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('tombstone', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('deleted_resource', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('event', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('event_reader', 'tenant', colocate_with => 'resource');
SELECT create_distributed_table('tenant', 'tenant', colocate_with => 'resource');
-- The version of the tables and the key of cursors, which every worker has.
SELECT create_reference_table('meta');
