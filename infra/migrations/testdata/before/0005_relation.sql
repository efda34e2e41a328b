-- Relations: tables of pairs of rows, kept in step with the relations of Notion's pages.

-- +goose Up
create table sync_waiting (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  field text not null,
  row_id uuid not null,
  page_id text not null,
  primary key (connection_id, kind, row_id, field, page_id)
);
create index sync_waiting_by_page on sync_waiting (connection_id, kind, field, page_id);
comment on table sync_waiting is 'Related pages that no row stands for: not seen yet, deleted, or of no database in step. They count as the row''s, and move to the join table when their row comes.';
alter table sync_waiting enable row level security;

-- A pair that comes or goes is a change of the row that has the relation. A pair that goes because one of its rows was deleted is
-- nobody's edit: the relation waits for the row to return.
-- +goose StatementBegin
create function note_sync_relation() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  pair jsonb;
begin
  if current_setting('integration.origin', true) = 'sync' then
    return null;
  end if;
  foreach pair in array case tg_op
    when 'INSERT' then array[to_jsonb(new)]
    when 'DELETE' then array[to_jsonb(old)]
    else array[to_jsonb(old), to_jsonb(new)] end
  loop
    execute format('insert into public.sync_changes (connection_id, kind, row_id) select connection_id, $1, id from public.%I where id = $2', tg_argv[2])
      using tg_argv[0], (pair ->> tg_argv[3])::uuid;
  end loop;
  if tg_op <> 'INSERT' then
    execute format('
      insert into public.sync_waiting (connection_id, kind, field, row_id, page_id)
      select connection_id, $1, $2, $3, notion_id from public.%I
      where id = $4 and not (exists (select from public.%I where id = $3) and exists (select from public.%I where id = $4))
      on conflict do nothing', tg_argv[7], tg_argv[2], tg_argv[5])
      using tg_argv[0], tg_argv[1], (to_jsonb(old) ->> tg_argv[3])::uuid, (to_jsonb(old) ->> tg_argv[6])::uuid;
  end if;
  return null;
end $$;
-- +goose StatementEnd

-- TRUNCATE fires no row triggers. It empties the join table by itself, or because rows went.
-- +goose StatementBegin
create function note_sync_relation_truncate() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  execute format('
    insert into public.sync_waiting (connection_id, kind, field, row_id, page_id)
    select b.connection_id, $1, $2, b.id, e.page_id
    from public.%I b, jsonb_array_elements_text(coalesce(b.row_data -> $2, ''[]'')) e (page_id)
    where not (exists (select from public.%I where id = b.id) and exists (
      select from public.%I t join public.%I r on r.id = t.id where t.connection_id = b.connection_id and t.notion_id = e.page_id))
    on conflict do nothing', tg_argv[4], tg_argv[2], tg_argv[7], tg_argv[5])
    using tg_argv[0], tg_argv[1];
  execute format('
    insert into public.sync_changes (connection_id, kind, row_id)
    select connection_id, $1, id from public.%I where state = ''live'' and row_data -> $2 <> ''[]''', tg_argv[4])
    using tg_argv[0], tg_argv[1];
  return null;
end $$;
-- +goose StatementEnd

-- A relation can be written to Notion once the related row has a page: then the rows that name it are looked at again. Nobody has
-- changed them, and so there is no time at which.
alter table sync_changes alter column changed_at drop not null;
comment on column sync_changes.changed_at is 'When somebody changed the row; null where it only has to be looked at again.';
-- +goose StatementBegin
create function note_sync_page() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and old.notion_id = new.notion_id then
    return null;
  end if;
  execute format('insert into public.sync_changes (connection_id, kind, row_id, changed_at) select $1, $2, j.%I, null from public.%I j where j.%I = $3',
    tg_argv[2], tg_argv[1], tg_argv[3])
    using new.connection_id, tg_argv[0], new.id;
  return null;
end $$;
-- +goose StatementEnd

-- Makes the join table of a relation and puts it in step: call it once for each relation that a mapping names, after keep_in_step
-- of both its ends.
-- +goose StatementBegin
create procedure keep_relation_in_step(
  kind text, field text, join_table text,
  record_table text, base_table text, from_column text,
  related_table text, related_base_table text, to_column text
) language plpgsql as $$
begin
  execute format($ddl$
    create table public.%1$I (
      %2$I uuid not null references public.%3$I (id) on update cascade on delete cascade,
      %4$I uuid not null references public.%5$I (id) on update cascade on delete cascade,
      created_at timestamptz not null default now(),
      primary key (%2$I, %4$I)
    )$ddl$, join_table, from_column, record_table, to_column, related_table);
  execute format('create index on public.%I (%I)', join_table, to_column);
  execute format('alter table public.%I enable row level security', join_table);
  execute format('create trigger note_sync_relation after insert or update or delete on public.%I for each row execute function public.note_sync_relation(%L, %L, %L, %L, %L, %L, %L, %L)',
    join_table, kind, field, record_table, from_column, base_table, related_table, to_column, related_base_table);
  execute format('create trigger note_sync_relation_truncate after truncate on public.%I for each statement execute function public.note_sync_relation_truncate(%L, %L, %L, %L, %L, %L, %L, %L)',
    join_table, kind, field, record_table, from_column, base_table, related_table, to_column, related_base_table);
  execute format('create trigger %I after insert or update of notion_id on public.%I for each row execute function public.note_sync_page(%L, %L, %L, %L)',
    'note_sync_page_' || join_table, related_base_table, kind, join_table, from_column, to_column);
  execute format('alter table public.%I enable always trigger note_sync_relation', join_table);
  execute format('alter table public.%I enable always trigger note_sync_relation_truncate', join_table);
end $$;
-- +goose StatementEnd

call keep_relation_in_step('partners', 'projects', 'partners_projects',
  'partners', 'notion_partners', 'partner_id', 'projects', 'notion_projects', 'project_id');
call keep_relation_in_step('partners', 'opportunities', 'partners_opportunities',
  'partners', 'notion_partners', 'partner_id', 'opportunities', 'notion_opportunities', 'opportunity_id');
call keep_relation_in_step('projects', 'opportunities', 'projects_opportunities',
  'projects', 'notion_projects', 'project_id', 'opportunities', 'notion_opportunities', 'opportunity_id');
call keep_relation_in_step('projects', 'organizations', 'projects_organizations',
  'projects', 'notion_projects', 'project_id', 'organizations', 'notion_organizations', 'organization_id');
call keep_relation_in_step('opportunities', 'organizations', 'opportunities_organizations',
  'opportunities', 'notion_opportunities', 'opportunity_id', 'organizations', 'notion_organizations', 'organization_id');
