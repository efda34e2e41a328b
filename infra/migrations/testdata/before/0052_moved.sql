-- A record whose page was deleted for good, and made anew, has another page: relations that waited for the one wait for the other, and
-- relations that are known by the one are still known.

-- +goose Up
create table sync_former_pages (
  connection_id uuid not null references connections (id) on delete cascade,
  page_id text not null,
  row_id uuid not null,
  primary key (connection_id, page_id)
);
comment on table sync_former_pages is 'Pages that are gone, and whose records have another by now. What is known of other records may still name them.';
alter table sync_former_pages enable row level security;

-- +goose StatementBegin
create or replace function note_sync_page() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if old.notion_id = new.notion_id then
      return null;
    end if;
    insert into public.sync_former_pages (connection_id, page_id, row_id) values (old.connection_id, old.notion_id, old.id)
    on conflict (connection_id, page_id) do update set row_id = excluded.row_id;
    insert into public.sync_waiting (connection_id, kind, field, row_id, page_id)
    select connection_id, kind, field, row_id, new.notion_id from public.sync_waiting where connection_id = new.connection_id and page_id = old.notion_id
    on conflict do nothing;
    delete from public.sync_waiting where connection_id = new.connection_id and page_id = old.notion_id;
  end if;
  execute format('insert into public.sync_changes (connection_id, kind, row_id, changed_at) select $1, $2, j.%I, null from public.%I j where j.%I = $3',
    tg_argv[2], tg_argv[1], tg_argv[3])
    using new.connection_id, tg_argv[0], new.id;
  return null;
end $$;
-- +goose StatementEnd
