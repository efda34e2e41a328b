-- A secret signs as long as the rotation that replaced it promised, also when another rotation follows. And a subscription that is asked for
-- again under the same Idempotency-Key is the same one.

-- +goose Up
create table event_subscription_secrets (
  id uuid primary key default gen_random_uuid(),
  subscription_id uuid not null references event_subscriptions (id) on delete cascade,
  secret text not null check (secret ~ '^(whsec_|sealed1:)'),
  until timestamptz not null
);
create index event_subscription_secrets_of on event_subscription_secrets (subscription_id, until);
comment on table event_subscription_secrets is 'Secrets that still sign beside event_subscriptions.secret and old_secret: those of before the last rotation. Sealed for the subscription''s row.';
alter table event_subscription_secrets enable row level security;

alter table event_subscriptions add column idempotency_key text check (length(idempotency_key) between 1 and 255), add column asked_for text;
create unique index event_subscriptions_once on event_subscriptions (connection_id, created_by, idempotency_key);
comment on column event_subscriptions.idempotency_key is 'What POST /events/subscribe was called with: a repeated call is answered with this subscription.';
comment on column event_subscriptions.asked_for is 'A hash of that call''s body, so that another call under the same key is refused.';
