-- Dry runs: what a run would do, record by record.

-- +goose Up
alter table sync_runs add column dry_run boolean not null default false;
comment on column sync_runs.dry_run is 'The run reads and plans, writes nothing, and leaves in sync_previews what it would do.';
drop index sync_runs_one_of_a_type;
create unique index sync_runs_one_of_a_type on sync_runs (connection_id, type, scope, dry_run) where status in ('queued', 'running');

alter table sync_run_databases add column rehearsed jsonb;
comment on column sync_run_databases.rehearsed is 'What a dry run knows of the Notion database; a real one keeps it in sync_databases.';

create table sync_previews (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  run_id uuid not null references sync_runs (id) on delete cascade,
  kind text not null,
  row_id uuid,
  notion_id text,
  title text not null default '',
  match text not null default '' check (match in ('', 'row_key', 'key', 'title')),
  doubtful boolean not null default false,
  notion jsonb,
  supabase jsonb,
  held boolean not null default false,
  conflicts jsonb not null default '[]',
  refusal jsonb,
  unique (run_id, kind, row_id),
  check (doubtful = (row_id is null))
);
create index sync_previews_by_run on sync_previews (run_id, seq);
comment on table sync_previews is 'What a dry run would do with each record. A record that it would leave alone stands here too, when it had to be looked at.';
comment on column sync_previews.match is 'By what the page and the row were matched at first contact.';
comment on column sync_previews.notion is 'What would be done in Notion: {"op": ..., "fields": [{"field", "has", "gets"}]}.';

alter table sync_previews enable row level security;
