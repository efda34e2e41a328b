-- When a part of a run was last handed to a worker, and the alert on one that nobody works on.

-- +goose Up
alter table sync_run_databases add column handed_at timestamptz;
comment on column sync_run_databases.queued_at is 'Since when it waits for a worker.';
comment on column sync_run_databases.handed_at is 'When it was last handed over again because nobody worked on it; null: not since queued_at.';

alter table alerts drop constraint alerts_condition_check;
alter table alerts add constraint alerts_condition_check check (condition in ('service_unavailable', 'high_error_rate', 'sync_failure',
  'token_expiry', 'dead_letters', 'stale_data', 'deletes_held', 'inconsistency', 'sync_stalled'));
