-- What others say has changed: Notion's webhooks, and the database's own.

-- +goose Up
create table notion_webhooks (
  connection_id uuid primary key references connections (id) on delete cascade,
  verification_token text not null check (length(verification_token) between 8 and 200),
  bot_id text,
  created_at timestamptz not null
);
comment on table notion_webhooks is 'The token with which Notion signs. It is taken from the first handshake; another one never replaces it.';

create table notion_webhook_events (
  connection_id uuid not null references connections (id) on delete cascade,
  id uuid not null,
  received_at timestamptz not null,
  primary key (connection_id, id)
);
create index notion_webhook_events_by_time on notion_webhook_events (received_at);
comment on table notion_webhook_events is 'Webhooks that were taken: one that comes again is known by its id.';

create table sync_looks (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  page_id text not null,
  asked_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, kind, page_id)
);
comment on table sync_looks is 'Pages that somebody said have changed and that nobody has looked at since.';

create table sync_wakes (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  sent_at timestamptz not null,
  primary key (connection_id, kind)
);
comment on table sync_wakes is 'Databases for which a message is under way that has a worker look. A burst of notices is one message.';

alter table notion_webhooks enable row level security;
alter table notion_webhook_events enable row level security;
alter table sync_looks enable row level security;
alter table sync_wakes enable row level security;

-- For whoever listens: the local system does. Postgres itself makes one of those that a transaction repeats.
-- +goose StatementBegin
create function announce_sync_changes() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_notify('sync_changes', kind) from (select distinct kind from added) kinds;
  return null;
end $$;
-- +goose StatementEnd
create trigger announce_sync_changes after insert on sync_changes referencing new table as added
  for each statement execute function announce_sync_changes();
