-- How often the syncs of a database have failed in a row is counted where years of runs are stored.

-- +goose Up
create index sync_run_databases_failed on sync_run_databases (kind, finished_at) where status = 'failed';
