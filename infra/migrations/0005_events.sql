-- Events, who is told of them and how that went, and what others say has changed.

-- +goose Up
create table integration.events (
  id uuid primary key,
  seq bigint generated always as identity unique,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  type text not null,
  source_system text not null,
  target_system text not null,
  data jsonb not null default '{}',
  created_at timestamptz not null,
  relayed_at timestamptz,
  trace_id text
);
create index events_by_type on integration.events (connection_id, type, seq desc);
create index events_by_time on integration.events (connection_id, seq desc);
create index events_to_relay on integration.events (seq) where relayed_at is null;
comment on column integration.events.relayed_at is 'When it was looked at who wants it; until then it is in the outbox.';
comment on column integration.events.trace_id is 'The trace, by W3C trace context, in which it happened; null outside of one.';

create table integration.event_subscriptions (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  callback_url text not null check (length(callback_url) <= 2048),
  description text not null default '' check (length(description) <= 200),
  event_types text[] not null check (cardinality(event_types) between 1 and 50),
  databases text[] not null default '{}' check (cardinality(databases) <= 50),
  rate_limit integer not null check (rate_limit between 1 and 1000),
  status text not null default 'active' check (status in ('active', 'paused', 'disabled')),
  disabled_reason text,
  secret text not null check (secret ~ '^(whsec_|sealed1:)'),
  old_secret text check (old_secret ~ '^(whsec_|sealed1:)'),
  old_secret_until timestamptz,
  failing_since timestamptz,
  lane_owner uuid,
  lane_until timestamptz,
  not_before timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  signing_problem text,
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  asked_for text,
  check ((status = 'disabled') = (disabled_reason is not null)),
  check ((old_secret is null) = (old_secret_until is null)),
  check ((lane_owner is null) = (lane_until is null))
);
create index event_subscriptions_by_time on integration.event_subscriptions (connection_id, created_at desc);
create unique index event_subscriptions_once on integration.event_subscriptions (connection_id, created_by, idempotency_key);
comment on column integration.event_subscriptions.secret is 'Signs what is sent. Sealed under WEBHOOK_SEALING_KEY for this row (shared/secret/seal).';
comment on column integration.event_subscriptions.failing_since is 'The first failure since something was last delivered.';
comment on column integration.event_subscriptions.lane_owner is 'The worker that delivers to this endpoint; one at a time, so that a slow endpoint holds up nobody else.';
comment on column integration.event_subscriptions.not_before is 'Nothing is sent before: the endpoint''s rate limit, or it asked for a pause.';
comment on column integration.event_subscriptions.signing_problem is 'Why nothing can be signed and so nothing is sent: the secret cannot be read.';
comment on column integration.event_subscriptions.idempotency_key is 'What POST /events/subscribe was called with: a repeated call is answered with this subscription.';
comment on column integration.event_subscriptions.asked_for is 'A hash of that call''s body, so that another call under the same key is refused.';

create table integration.event_subscription_secrets (
  id uuid primary key default gen_random_uuid(),
  subscription_id uuid not null references integration.event_subscriptions (id) on delete cascade,
  secret text not null check (secret ~ '^(whsec_|sealed1:)'),
  valid_until timestamptz not null
);
create index event_subscription_secrets_of on integration.event_subscription_secrets (subscription_id, valid_until);
comment on table integration.event_subscription_secrets is 'Secrets that still sign beside event_subscriptions.secret and old_secret: those of before the last rotation. Sealed for the subscription''s row.';

create table integration.event_deliveries (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  subscription_id uuid not null references integration.event_subscriptions (id) on delete cascade,
  event_id uuid not null references integration.events (id) on delete cascade,
  event_type text not null,
  replay_of uuid,
  status text not null default 'waiting' check (status in ('waiting', 'delivered', 'dead')),
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  last_status integer,
  last_error text,
  created_at timestamptz not null,
  finished_at timestamptz,
  check ((status = 'waiting') = (next_attempt_at is not null)),
  check ((status = 'waiting') = (finished_at is null))
);
create unique index event_deliveries_once on integration.event_deliveries (subscription_id, event_id) where replay_of is null;
create index event_deliveries_due on integration.event_deliveries (subscription_id, next_attempt_at) where status = 'waiting';
create index event_deliveries_by_subscription on integration.event_deliveries (subscription_id, id desc);
create index event_deliveries_by_event on integration.event_deliveries (event_id);
comment on table integration.event_deliveries is 'One event for one subscriber. A retry is the same row, a replay another one of the same event.';

create table integration.event_attempts (
  delivery_id uuid not null references integration.event_deliveries (id) on delete cascade,
  number integer not null,
  started_at timestamptz not null,
  duration_ms integer not null,
  status_code integer,
  answer text not null default '' check (octet_length(answer) <= 65536),
  error text not null default '',
  primary key (delivery_id, number)
);

create table integration.notion_webhooks (
  connection_id uuid primary key references integration.connections (id) on delete cascade,
  verification_token text not null check (length(verification_token) between 8 and 400),
  bot_id text,
  created_at timestamptz not null
);
comment on table integration.notion_webhooks is 'The token with which Notion signs. It is taken from the first handshake; another one never replaces it.';
comment on column integration.notion_webhooks.verification_token is 'Sealed under WEBHOOK_SEALING_KEY for this row (shared/secret/seal).';

create table integration.notion_webhook_events (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  id uuid not null,
  received_at timestamptz not null,
  primary key (connection_id, id)
);
create index notion_webhook_events_by_time on integration.notion_webhook_events (received_at);
comment on table integration.notion_webhook_events is 'Webhooks that were taken: one that comes again is known by its id.';

alter table integration.events enable row level security;
alter table integration.event_subscriptions enable row level security;
alter table integration.event_subscription_secrets enable row level security;
alter table integration.event_deliveries enable row level security;
alter table integration.event_attempts enable row level security;
alter table integration.notion_webhooks enable row level security;
alter table integration.notion_webhook_events enable row level security;
