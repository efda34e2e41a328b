-- What waits for a person to decide.

-- +goose Up
create table sync_holds (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  side text not null check (side in ('notion', 'supabase')),
  status text not null default 'waiting' check (status in ('waiting', 'approved', 'refused', 'withdrawn')),
  records integer not null,
  total integer not null,
  created_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  check ((status in ('approved', 'refused')) = (decided_by is not null))
);
create unique index sync_holds_one_waiting on sync_holds (connection_id, kind, side) where status = 'waiting';
create index sync_holds_by_time on sync_holds (connection_id, created_at desc);
comment on table sync_holds is 'Deletions that are too many to be made unasked. side is where records would be deleted.';
comment on column sync_holds.records is 'How many records it has come to hold.';
comment on column sync_holds.total is 'How many records the database had.';

create table sync_held_records (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  hold_id uuid not null references sync_holds (id) on delete cascade,
  primary key (connection_id, kind, row_id)
);
create index sync_held_records_by_hold on sync_held_records (hold_id);
comment on table sync_held_records is 'The records of a hold, until what was decided is done, or there is nothing to decide any more.';

alter table sync_conflicts
  add status text not null default 'resolved' check (status in ('waiting', 'resolved', 'decided', 'settled')),
  add decision jsonb,
  add decided_property jsonb,
  add decided_at timestamptz,
  add decided_by text,
  add settled_at timestamptz,
  drop constraint sync_conflicts_winner_check,
  add check (winner in ('notion', 'supabase', '')),
  add check (status not in ('decided') or decided_by is not null);
create unique index sync_conflicts_one_waiting on sync_conflicts (connection_id, kind, row_id, field) where status = 'waiting';
create unique index sync_conflicts_one_decided on sync_conflicts (connection_id, kind, row_id, field) where status = 'decided';
comment on column sync_conflicts.status is
  'waiting: nobody has decided; resolved: by its rule; decided: a person has, and a sync will do it; settled: both sides hold what the person decided, or agree by themselves.';
comment on column sync_conflicts.winner is 'Whose value stayed; empty while that waits to be decided.';
comment on column sync_conflicts.decision is 'The value that the person decided on, as the row''s column shows it.';

-- A run of some databases only may go on beside one of all: each database is worked on once at a time anyway.
alter table sync_runs add scope text not null default '';
comment on column sync_runs.scope is 'The databases that were asked for, in order, with commas; empty for all.';
drop index sync_runs_one_of_a_type;
create unique index sync_runs_one_of_a_type on sync_runs (connection_id, type, scope) where status in ('queued', 'running');

alter table sync_holds enable row level security;
alter table sync_held_records enable row level security;
