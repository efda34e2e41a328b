-- What webhooks are signed with is sealed before it is stored. What was stored before is sealed by event-relay.

-- +goose Up
alter table event_subscriptions
  drop constraint event_subscriptions_secret_check,
  drop constraint event_subscriptions_old_secret_check,
  add constraint event_subscriptions_secret_check check (secret ~ '^(whsec_|sealed1:)'),
  add constraint event_subscriptions_old_secret_check check (old_secret ~ '^(whsec_|sealed1:)'),
  add column signing_problem text;
comment on column event_subscriptions.secret is 'Signs what is sent. Sealed under WEBHOOK_SEALING_KEY for this row (shared/seal).';
comment on column event_subscriptions.signing_problem is 'Why nothing can be signed and so nothing is sent: the secret cannot be read.';

alter table notion_webhooks
  drop constraint notion_webhooks_verification_token_check,
  add constraint notion_webhooks_verification_token_check check (length(verification_token) between 8 and 400);
comment on column notion_webhooks.verification_token is 'Sealed under WEBHOOK_SEALING_KEY for this row (shared/seal).';
