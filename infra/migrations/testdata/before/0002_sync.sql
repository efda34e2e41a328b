-- What the sync knows and does.

-- +goose Up
create table sync_databases (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  database_id text not null,
  data_source_id text not null,
  binding jsonb not null default '{}',
  notion_through timestamptz,
  listed_at timestamptz,
  drifts jsonb not null default '[]',
  row_key_ready boolean not null default false,
  updated_at timestamptz not null default now(),
  primary key (connection_id, kind)
);
comment on column sync_databases.binding is 'Field to property: the id that a field follows however the property is renamed.';
comment on column sync_databases.notion_through is 'Every edit in Notion up to here, by Notion''s clock, has been seen.';
comment on column sync_databases.listed_at is 'When the database was last listed as a whole.';

create table sync_leases (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  owner text not null,
  term bigint not null,
  expires_at timestamptz not null,
  primary key (connection_id, kind)
);
comment on table sync_leases is 'Who works on a database. Every write transaction checks the term: a worker that lost its lease changes nothing.';

create table sync_changes (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index sync_changes_by_kind on sync_changes (connection_id, kind, seq);
create index sync_changes_by_row on sync_changes (connection_id, kind, row_id);
comment on table sync_changes is 'Rows that somebody other than the sync changed; consumed in the transaction that moves the base.';

create table sync_runs (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  type text not null check (type in ('full', 'incremental', 'notion_to_supabase', 'supabase_to_notion')),
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
  requested_by text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  check ((status in ('succeeded', 'failed')) = (finished_at is not null))
);
create unique index sync_runs_one_of_a_type on sync_runs (connection_id, type) where status in ('queued', 'running');
create index sync_runs_by_time on sync_runs (connection_id, created_at desc);

create table sync_run_databases (
  run_id uuid not null references sync_runs (id) on delete cascade,
  kind text not null,
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
  checkpoint jsonb not null default '{}',
  counts jsonb not null default '{}',
  error text,
  queued_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (run_id, kind)
);

create table sync_seen (
  run_id uuid not null references sync_runs (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  primary key (run_id, kind, notion_id)
);
comment on table sync_seen is 'Pages that a listing of more than one page of results has shown so far; what is in the base and not here when it ends is absent.';

create table sync_intents (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  op text not null check (op in ('create', 'update', 'archive', 'restore')),
  title text not null default '',
  columns jsonb not null default '{}',
  created_at timestamptz not null
);
create index sync_intents_by_kind on sync_intents (connection_id, kind);
comment on column sync_intents.columns is 'What is written, as the row shows it: once the page shows it too, both sides are known to have had it.';
comment on table sync_intents is 'A write to Notion that is about to be made. One that is left over says that a worker died, and where.';

create table sync_conflicts (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  field text not null,
  rule text not null,
  winner text not null check (winner in ('notion', 'supabase')),
  notion_value jsonb,
  supabase_value jsonb,
  base_value jsonb,
  notion_property jsonb,
  intent_id uuid references sync_intents (id),
  detected_at timestamptz not null
);
create index sync_conflicts_by_kind on sync_conflicts (connection_id, kind, detected_at desc);
comment on table sync_conflicts is 'Values that lost, whole. field is empty where an edit outlived a deletion.';
comment on column sync_conflicts.notion_property is 'The property as Notion spelled it, with what a column does not show.';
comment on column sync_conflicts.intent_id is 'The write to Notion that would overwrite the value, while it is not known whether it was made.';

create table sync_errors (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  side text not null check (side in ('notion', 'supabase')),
  reason text not null,
  attempts integer not null default 1,
  first_at timestamptz not null,
  last_at timestamptz not null,
  next_attempt_at timestamptz not null,
  primary key (connection_id, kind, row_id)
);
comment on table sync_errors is 'Records that one side refused. They are tried again; the others go on.';

create table integration_events (
  id uuid primary key,
  seq bigint generated always as identity unique,
  connection_id uuid not null references connections (id) on delete cascade,
  type text not null,
  source_system text not null,
  target_system text not null,
  data jsonb not null default '{}',
  created_at timestamptz not null
);
create index integration_events_by_type on integration_events (connection_id, type, seq desc);
create index integration_events_by_time on integration_events (connection_id, seq desc);

alter table sync_databases enable row level security;
alter table sync_leases enable row level security;
alter table sync_changes enable row level security;
alter table sync_runs enable row level security;
alter table sync_run_databases enable row level security;
alter table sync_seen enable row level security;
alter table sync_intents enable row level security;
alter table sync_conflicts enable row level security;
alter table sync_errors enable row level security;
alter table integration_events enable row level security;

-- Called by the triggers below. The sync marks its own transactions with integration.origin, so that what it writes does not
-- come back as a change. It runs as its owner: whoever may write a table of records need not be able to write here.
-- +goose StatementBegin
create function note_sync_change() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('integration.origin', true) = 'sync' then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    if tg_op = 'UPDATE' and old is not distinct from new then
      return null;
    end if;
    insert into public.sync_changes (connection_id, kind, row_id) values (old.connection_id, tg_argv[0], old.id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and old.id <> new.id) then
    insert into public.sync_changes (connection_id, kind, row_id) values (new.connection_id, tg_argv[0], new.id);
  end if;
  return null;
end $$;
-- +goose StatementEnd

-- TRUNCATE fires no row triggers: what the base knows to be there is noted as changed, and found gone.
-- +goose StatementBegin
create function note_sync_truncate() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  execute format(
    'insert into public.sync_changes (connection_id, kind, row_id) select connection_id, %L, id from public.%I where state = ''live''',
    tg_argv[0], tg_argv[1]);
  return null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;
-- +goose StatementEnd

-- Makes the base table of a kind and puts a table of records in step: call it once for each kind that a mapping names.
-- +goose StatementBegin
create procedure keep_in_step(kind text, record_table text, base_table text) language plpgsql as $$
begin
  execute format($ddl$
    create table public.%I (
      id uuid primary key default gen_random_uuid(),
      connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references public.connections (id) on delete cascade,
      notion_id text not null,
      name text not null,
      data jsonb not null,
      row_data jsonb not null,
      type text not null default %L,
      state text not null default 'live' check (state in ('live', 'archived')),
      sync_version bigint not null default 1,
      last_synced timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (connection_id, notion_id)
    )$ddl$, base_table, kind);
  execute format('comment on table public.%I is %L', base_table,
    'The state that both sides are known to have had: data is Notion''s page, row_data the row''s columns, id the row''s id.');
  execute format('alter table public.%I enable row level security', base_table);
  execute format('alter table public.%I enable row level security', record_table);
  execute format('create trigger touch_updated_at before update on public.%I for each row when (old.* is distinct from new.*) execute function public.touch_updated_at()', record_table);
  execute format('create trigger note_sync_change after insert or update or delete on public.%I for each row execute function public.note_sync_change(%L)', record_table, kind);
  execute format('create trigger note_sync_truncate after truncate on public.%I for each statement execute function public.note_sync_truncate(%L, %L)', record_table, kind, base_table);
  -- also for rows that replication or a restore writes
  execute format('alter table public.%I enable always trigger note_sync_change', record_table);
  execute format('alter table public.%I enable always trigger note_sync_truncate', record_table);
end $$;
-- +goose StatementEnd
