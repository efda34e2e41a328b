-- What the sync knows and does.

-- +goose Up
create table integration.sync_databases (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  database_id text not null,
  data_source_id text not null,
  property_ids jsonb not null default '{}',
  notion_through timestamptz,
  listed_at timestamptz,
  drifts jsonb not null default '[]',
  row_key_property text,
  updated_at timestamptz not null default now(),
  columns jsonb not null default '{}',
  fields_to_read text[] not null default '{}',
  renames jsonb not null default '[]',
  primary key (connection_id, kind)
);
comment on column integration.sync_databases.property_ids is 'Field to property: the id that a field follows however the property is renamed.';
comment on column integration.sync_databases.notion_through is 'Every edit in Notion up to here, by Notion''s clock, has been seen.';
comment on column integration.sync_databases.listed_at is 'When the database was last listed as a whole.';
comment on column integration.sync_databases.columns is 'Field to column: the table and the number of the column in it. A column that was dropped and made again has another number.';
comment on column integration.sync_databases.fields_to_read is 'Fields that came into step and have to be read from every page once: the next listing is of the whole database.';
comment on column integration.sync_databases.row_key_property is 'The id of the property that holds the rows'' ids; null where it has to be looked for.';
comment on column integration.sync_databases.renames is 'Options that were renamed, as [{field, option, was, is}], until every record that has one has been looked at.';

create table integration.sync_leases (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  owner text not null,
  term bigint not null,
  expires_at timestamptz not null,
  primary key (connection_id, kind)
);
comment on table integration.sync_leases is 'Who works on a database. Every write transaction checks the term: a worker that lost its lease changes nothing.';

create table integration.sync_changes (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  changed_at timestamptz default clock_timestamp()
);
create index sync_changes_by_kind on integration.sync_changes (connection_id, kind, seq);
create index sync_changes_by_row on integration.sync_changes (connection_id, kind, row_id);
comment on table integration.sync_changes is 'Rows that somebody other than the sync changed; consumed in the transaction that moves the base.';
comment on column integration.sync_changes.changed_at is 'When somebody changed the row; null where it only has to be looked at again.';

create table integration.sync_row_id_changes (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  old_id uuid not null,
  new_id uuid not null
);
create index sync_row_id_changes_by_kind on integration.sync_row_id_changes (connection_id, kind, seq);
comment on table integration.sync_row_id_changes is 'Rows whose id somebody changed, in the order of the changes. What is known of their records still has the old id.';

create table integration.sync_stale_row_keys (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  primary key (connection_id, kind, notion_id)
);
comment on table integration.sync_stale_row_keys is 'Pages that still carry the id that their rows had before.';

create table integration.sync_reported_pages (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  page_id text not null,
  asked_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, kind, page_id)
);
comment on table integration.sync_reported_pages is 'Pages that somebody said have changed and that nobody has looked at since.';

create table integration.sync_wakeups (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  sent_at timestamptz not null,
  primary key (connection_id, kind)
);
comment on table integration.sync_wakeups is 'Databases for which a message is under way that has a worker look. A burst of notices is one message.';

create table integration.sync_runs (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  type text not null check (type in ('full', 'incremental', 'notion_to_supabase', 'supabase_to_notion')),
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
  requested_by text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  scope text not null default '',
  dry_run boolean not null default false,
  check ((status in ('succeeded', 'failed')) = (finished_at is not null))
);
-- A run of some databases only may go on beside one of all: each database is worked on once at a time anyway.
create unique index sync_runs_one_of_a_type on integration.sync_runs (connection_id, type, scope, dry_run) where status in ('queued', 'running');
create index sync_runs_by_time on integration.sync_runs (connection_id, created_at desc);
create index sync_runs_by_end on integration.sync_runs (connection_id, status, finished_at desc);
comment on column integration.sync_runs.scope is 'The databases that were asked for, in order, with commas; empty for all.';
comment on column integration.sync_runs.dry_run is 'The run reads and plans, writes nothing, and leaves in sync_previews what it would do.';

create table integration.sync_run_databases (
  run_id uuid not null references integration.sync_runs (id) on delete cascade,
  kind text not null,
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
  checkpoint jsonb not null default '{}',
  counts jsonb not null default '{}',
  error text,
  queued_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  rehearsed jsonb,
  requeued_at timestamptz,
  primary key (run_id, kind)
);
create index sync_run_databases_by_end on integration.sync_run_databases (kind, finished_at desc) include (run_id) where status = 'succeeded';
create index sync_run_databases_failed on integration.sync_run_databases (kind, finished_at) where status = 'failed';
comment on column integration.sync_run_databases.queued_at is 'Since when it waits for a worker.';
comment on column integration.sync_run_databases.requeued_at is 'When it was last handed over again because nobody worked on it; null: not since queued_at.';
comment on column integration.sync_run_databases.rehearsed is 'What a dry run knows of the Notion database; a real one keeps it in sync_databases.';

create table integration.sync_listed_pages (
  run_id uuid not null references integration.sync_runs (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  primary key (run_id, kind, notion_id)
);
comment on table integration.sync_listed_pages is 'Pages that a listing of more than one page of results has shown so far; what is in the base and not here when it ends is absent.';

create table integration.sync_intents (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  op text not null check (op in ('create', 'update', 'archive', 'restore')),
  title text not null default '',
  columns jsonb not null default '{}',
  created_at timestamptz not null,
  row_returns boolean not null default false,
  row_key uuid
);
create index sync_intents_by_kind on integration.sync_intents (connection_id, kind);
comment on table integration.sync_intents is 'A write to Notion that is about to be made. One that is left over says that a worker died, and where.';
comment on column integration.sync_intents.columns is 'What is written, as the row shows it: once the page shows it too, both sides are known to have had it.';
comment on column integration.sync_intents.row_returns is 'Whether the row was away, and is to return once the write was made.';
comment on column integration.sync_intents.row_key is 'The id that the page was made with, where the row has another by now.';

create table integration.sync_errors (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  side text not null check (side in ('notion', 'supabase')),
  reason text not null,
  attempts integer not null default 1,
  first_at timestamptz not null,
  last_at timestamptz not null,
  next_attempt_at timestamptz not null,
  waits boolean not null default false,
  fields jsonb not null default '{}',
  primary key (connection_id, kind, row_id)
);
comment on table integration.sync_errors is 'Records that one side refused. They are tried again; the others go on.';
comment on column integration.sync_errors.waits is 'The row is locked by another transaction. It is tried again soon, and does not count as refused.';
comment on column integration.sync_errors.fields is 'The fields that wait, each with the side that cannot hold its value and the reason; empty where the whole record waits.';

create table integration.sync_waiting_relations (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  field text not null,
  row_id uuid not null,
  page_id text not null,
  primary key (connection_id, kind, row_id, field, page_id)
);
create index sync_waiting_relations_by_page on integration.sync_waiting_relations (connection_id, kind, field, page_id);
comment on table integration.sync_waiting_relations is 'Related pages that no row stands for: not seen yet, deleted, or of no database in step. They count as the row''s, and move to the join table when their row comes.';

-- A record whose page was deleted for good, and made anew, has another page: relations that waited for the one wait for the other, and
-- relations that are known by the one are still known.
create table integration.sync_replaced_pages (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  page_id text not null,
  row_id uuid not null,
  primary key (connection_id, page_id)
);
comment on table integration.sync_replaced_pages is 'Pages that are gone, and whose records have another by now. What is known of other records may still name them.';

create table integration.full_workspaces (
  connection_id uuid primary key references integration.connections (id) on delete cascade,
  reason text not null,
  since timestamptz not null default now(),
  probed_by uuid
);
comment on table integration.full_workspaces is 'Notion has no room for more pages of the connection. Records that wait for room have the same reason in sync_errors.';
comment on column integration.full_workspaces.probed_by is 'The run that last tried whether there is room again: one attempt a run.';

create table integration.set_aside (
  kind text not null,
  field text not null default '',
  reason text not null,
  primary key (kind, field)
);
comment on table integration.set_aside is 'Databases of the mapping, or relations of them by field, that are not synced because something else has the names of their tables.';

alter table integration.sync_databases enable row level security;
alter table integration.sync_leases enable row level security;
alter table integration.sync_changes enable row level security;
alter table integration.sync_row_id_changes enable row level security;
alter table integration.sync_stale_row_keys enable row level security;
alter table integration.sync_reported_pages enable row level security;
alter table integration.sync_wakeups enable row level security;
alter table integration.sync_runs enable row level security;
alter table integration.sync_run_databases enable row level security;
alter table integration.sync_listed_pages enable row level security;
alter table integration.sync_intents enable row level security;
alter table integration.sync_errors enable row level security;
alter table integration.sync_waiting_relations enable row level security;
alter table integration.sync_replaced_pages enable row level security;
alter table integration.full_workspaces enable row level security;
alter table integration.set_aside enable row level security;
