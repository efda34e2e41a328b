-- Carries a database over from the schema before the first release, whose newest migration was 0122_trigger_changes.sql: everything of ours moves from public
-- into the schema integration, under its new name. Apply runs it in one transaction, then 0007_functions.sql, and notes the migrations as applied.
do $$
declare
  t text;
begin
  foreach t in array '{alerts, api_keys, audit_log, audit_outcomes, breakers, cache_entries, cache_invalidations, cache_loads, caller_windows, connections,
    consistency_runs, event_attempts, event_deliveries, event_subscription_secrets, event_subscriptions, integration_events, measurements, notion_requests,
    notion_webhook_events, notion_webhooks, oauth_attempts, sync_changes, sync_conflicts, sync_databases, sync_errors, sync_former_pages, sync_held_records,
    sync_holds, sync_intents, sync_leases, sync_looks, sync_match_pages, sync_match_rows, sync_moves, sync_previews, sync_rekeys, sync_run_databases,
    sync_runs, sync_seen, sync_waiting, sync_wakes, workspace_full}'::text[]
  loop
    execute format('alter table public.%I set schema integration', t);
  end loop;
end $$;

alter function public.refuse_change() set schema integration;
alter function public.note_sync_change() set schema integration;
alter function public.note_sync_truncate() set schema integration;
alter function public.note_sync_relation() set schema integration;
alter function public.note_sync_relation_truncate() set schema integration;
alter function public.note_sync_page() set schema integration;
alter function public.announce_sync_changes() set schema integration;
alter function public.touch_updated_at() set schema integration;
alter function public.match_key(text) set schema integration;
drop function public.sync_id_before(uuid, text, uuid);
drop function public.take_notion_requests(uuid, uuid, uuid, bigint[], integer, boolean, bigint, integer, integer, bigint, bigint, timestamptz);
drop procedure public.keep_in_step(text, text, text);
drop procedure public.keep_relation_in_step(text, text, text, text, text, text, text, text, text);

alter table integration.integration_events rename to events;
alter table integration.sync_seen rename to sync_listed_pages;
alter table integration.sync_waiting rename to sync_waiting_relations;
alter table integration.sync_looks rename to sync_reported_pages;
alter table integration.sync_wakes rename to sync_wakeups;
alter table integration.sync_moves rename to sync_row_id_changes;
alter table integration.sync_rekeys rename to sync_stale_row_keys;
alter table integration.sync_former_pages rename to sync_replaced_pages;
alter table integration.workspace_full rename to full_workspaces;

alter table integration.alerts rename told_at to notified_at;
alter table integration.breakers rename until to retry_at;
alter table integration.breakers drop probe_until;
alter table integration.cache_loads rename until to claimed_until;
alter table integration.event_subscription_secrets rename until to valid_until;
alter table integration.event_subscriptions rename rest_until to not_before;
alter table integration.sync_databases rename binding to property_ids;
alter table integration.sync_databases rename learning to fields_to_read;
alter table integration.sync_databases rename row_key_ready to row_key_property;
alter table integration.sync_databases alter row_key_property drop default, alter row_key_property drop not null, alter row_key_property type text using null;
alter table integration.sync_match_pages rename how to matched_by;
alter table integration.sync_match_pages rename value to matched_value;
alter table integration.sync_match_rows rename how to matched_by;
alter table integration.sync_match_rows rename value to matched_value;
alter table integration.sync_run_databases rename handed_at to requeued_at;

-- What was named after a table or a column follows its name.
do $$
declare
  was text;
  is_now text;
  c record;
begin
  for was, is_now in values
    ('integration_events', 'events'), ('sync_seen', 'sync_listed_pages'), ('sync_waiting', 'sync_waiting_relations'), ('sync_looks', 'sync_reported_pages'),
    ('sync_wakes', 'sync_wakeups'), ('sync_moves', 'sync_row_id_changes'), ('sync_rekeys', 'sync_stale_row_keys'),
    ('sync_former_pages', 'sync_replaced_pages'), ('workspace_full', 'full_workspaces')
  loop
    for c in select conname from pg_constraint where conrelid = ('integration.' || is_now)::regclass and starts_with(conname, was || '_') and not starts_with(conname, is_now) loop
      execute format('alter table integration.%I rename constraint %I to %I', is_now, c.conname, is_now || substr(c.conname, length(was) + 1));
    end loop;
    for c in select i.relname from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = ('integration.' || is_now)::regclass and starts_with(i.relname, was || '_') and not starts_with(i.relname, is_now) loop
      execute format('alter index integration.%I rename to %I', c.relname, is_now || substr(c.relname, length(was) + 1));
    end loop;
    for c in select s.relname from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
      where d.refobjid = ('integration.' || is_now)::regclass and starts_with(s.relname, was || '_') and not starts_with(s.relname, is_now) loop
      execute format('alter sequence integration.%I rename to %I', c.relname, is_now || substr(c.relname, length(was) + 1));
    end loop;
  end loop;
end $$;
alter table integration.sync_match_pages rename constraint sync_match_pages_how_check to sync_match_pages_matched_by_check;
alter table integration.sync_match_rows rename constraint sync_match_rows_how_check to sync_match_rows_matched_by_check;

comment on table integration.audit_outcomes is 'What came of them. A change without one broke off, or is still being made.';
comment on column integration.sync_match_pages.matched_by is 'What page and row have in common, and matched_value what that is: a row key, the mapping''s key field, or the title.';
comment on column integration.sync_databases.row_key_property is 'The id of the property that holds the rows'' ids; null where it has to be looked for.';
comment on column integration.event_subscriptions.secret is 'Signs what is sent. Sealed under WEBHOOK_SEALING_KEY for this row (shared/secret/seal).';
comment on column integration.event_subscriptions.not_before is 'Nothing is sent before: the endpoint''s rate limit, or it asked for a pause.';
comment on column integration.notion_webhooks.verification_token is 'Sealed under WEBHOOK_SEALING_KEY for this row (shared/secret/seal).';
comment on column integration.measurements.latency is 'Calls by latency, as shared/telemetry/metric/histogram.go has the buckets.';
comment on column integration.consistency_runs.results is 'What was found, by database and check: shared/sync/consistency.';
comment on table integration.breakers is 'open refuses calls until a time; half_open lets a few attempts through, more with each step that goes well (shared/resilience/breaker).';
do $$
declare
  base regclass;
begin
  for base in select distinct attrelid::regclass from pg_attribute a join pg_class c on c.oid = a.attrelid
    where attname = 'exact' and relnamespace = 'public'::regnamespace and starts_with(relname, 'notion_')
  loop
    execute format('comment on column %s.exact is %L', base, 'data is the page as it was left at its last_edited_time: no other edit of that minute can be missing from it.');
  end loop;
end $$;

create table integration.set_aside (
  kind text not null,
  field text not null default '',
  reason text not null,
  primary key (kind, field)
);
comment on table integration.set_aside is 'Databases of the mapping, or relations of them by field, that are not synced because something else has the names of their tables.';
alter table integration.set_aside enable row level security;

-- Where the user's own migrations are noted in the same table, it stays as it is.
do $$
begin
  if not exists (select from public.goose_db_version where version_id <> all('{0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 20, 21, 30, 31, 32, 33, 34, 40, 50, 51, 52, 54, 55, 60, 70,
    71, 72, 82, 83, 88, 89, 92, 95, 96, 100, 101, 115, 120, 121, 122}')) then
    drop table public.goose_db_version;
  end if;
end $$;
