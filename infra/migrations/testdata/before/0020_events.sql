-- Who is told what happened, and how that went.

-- +goose Up
alter table integration_events add column relayed_at timestamptz;
update integration_events set relayed_at = created_at;
create index integration_events_to_relay on integration_events (seq) where relayed_at is null;
comment on column integration_events.relayed_at is 'When it was looked at who wants it; until then it is in the outbox.';

create table event_subscriptions (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  callback_url text not null check (length(callback_url) <= 2048),
  description text not null default '' check (length(description) <= 200),
  event_types text[] not null check (cardinality(event_types) between 1 and 50),
  databases text[] not null default '{}' check (cardinality(databases) <= 50),
  rate_limit integer not null check (rate_limit between 1 and 1000),
  status text not null default 'active' check (status in ('active', 'paused', 'disabled')),
  disabled_reason text,
  secret text not null check (secret like 'whsec\_%'),
  old_secret text check (old_secret like 'whsec\_%'),
  old_secret_until timestamptz,
  failing_since timestamptz,
  lane_owner uuid,
  lane_until timestamptz,
  rest_until timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((status = 'disabled') = (disabled_reason is not null)),
  check ((old_secret is null) = (old_secret_until is null)),
  check ((lane_owner is null) = (lane_until is null))
);
create index event_subscriptions_by_time on event_subscriptions (connection_id, created_at desc);
comment on column event_subscriptions.secret is 'Signs what is sent. Every delivery needs it, so it lies here and not in Secrets Manager; only the service role can read it.';
comment on column event_subscriptions.failing_since is 'The first failure since something was last delivered.';
comment on column event_subscriptions.lane_owner is 'The worker that delivers to this endpoint; one at a time, so that a slow endpoint holds up nobody else.';
comment on column event_subscriptions.rest_until is 'Nothing is sent before: the endpoint''s rate limit, or it asked for a rest.';

create table event_deliveries (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  subscription_id uuid not null references event_subscriptions (id) on delete cascade,
  event_id uuid not null references integration_events (id) on delete cascade,
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
create unique index event_deliveries_once on event_deliveries (subscription_id, event_id) where replay_of is null;
create index event_deliveries_due on event_deliveries (subscription_id, next_attempt_at) where status = 'waiting';
create index event_deliveries_by_subscription on event_deliveries (subscription_id, id desc);
create index event_deliveries_by_event on event_deliveries (event_id);
comment on table event_deliveries is 'One event for one subscriber. A retry is the same row, a replay another one of the same event.';

create table event_attempts (
  delivery_id uuid not null references event_deliveries (id) on delete cascade,
  number integer not null,
  started_at timestamptz not null,
  duration_ms integer not null,
  status_code integer,
  answer text not null default '' check (octet_length(answer) <= 65536),
  error text not null default '',
  primary key (delivery_id, number)
);

alter table event_subscriptions enable row level security;
alter table event_deliveries enable row level security;
alter table event_attempts enable row level security;
