-- What Notion cuts of a page need not be fetched again while the page has not been edited. The time of its last edit alone does not
-- say so: it is rounded down to the minute, and another edit may have come in that minute.

-- +goose Up
alter table notion_partners add column exact boolean not null default false;
alter table notion_projects add column exact boolean not null default false;
alter table notion_opportunities add column exact boolean not null default false;
alter table notion_organizations add column exact boolean not null default false;

-- Makes the base table of a kind and puts a table of records in step: call it once for each kind that a mapping names.
-- +goose StatementBegin
create or replace procedure keep_in_step(kind text, record_table text, base_table text) language plpgsql as $$
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
      exact boolean not null default false,
      sync_version bigint not null default 1,
      last_synced timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (connection_id, notion_id)
    )$ddl$, base_table, kind);
  execute format('comment on table public.%I is %L', base_table,
    'The state that both sides are known to have had: data is Notion''s page, row_data the row''s columns, id the row''s id.');
  execute format('comment on column public.%I.exact is %L', base_table,
    'data is the page as it was left at its last_edited_time: no other edit of that minute can be missing from it.');
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
