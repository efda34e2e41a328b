-- Of functions that miss the same entry at once, one asks its source; when a breaker opened last; what keeps the dashboard fast where years
-- of runs and a million conflicts are stored.

-- +goose Up
create table cache_loads (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null check (length(kind) <= 40),
  key text not null check (length(key) <= 200),
  until timestamptz not null,
  primary key (connection_id, kind, key)
);
comment on table cache_loads is 'Whoever put the row here asks for the entry, until then at the most; others wait for it.';
alter table cache_loads enable row level security;

alter table breakers add column last_opened_at timestamptz;

create index sync_runs_by_end on sync_runs (connection_id, status, finished_at desc);
create index sync_run_databases_by_end on sync_run_databases (kind, finished_at desc) include (run_id) where status = 'succeeded';
create index sync_conflicts_by_time on sync_conflicts (connection_id, detected_at desc) where intent_id is null;
