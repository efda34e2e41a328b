-- Checks whether both sides hold the same.

-- +goose Up
create table consistency_runs (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  deep boolean not null,
  status text not null check (status in ('queued', 'running', 'succeeded', 'failed')),
  requested_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  touched_at timestamptz not null default clock_timestamp(),
  progress jsonb not null default '{}',
  results jsonb not null default '[]',
  found integer not null default 0,
  error text,
  check ((status in ('succeeded', 'failed')) = (finished_at is not null))
);
create unique index consistency_runs_one_at_a_time on consistency_runs (connection_id) where status in ('queued', 'running');
create index consistency_runs_by_time on consistency_runs (connection_id, deep, created_at desc);
comment on column consistency_runs.touched_at is 'When it was last heard of: a run that went silent gives way to the next.';
comment on column consistency_runs.results is 'What was found, by database and check: shared/consistency.';

alter table consistency_runs enable row level security;
