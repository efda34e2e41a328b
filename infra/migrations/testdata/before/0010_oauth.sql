-- Connections by OAuth. The tokens live in Secrets Manager; here is what is known of them.

-- +goose Up
alter table oauth_tokens
  add column status text not null default 'connected' check (status in ('connected', 'revoked', 'disconnected')),
  add column version bigint not null default 1 check (version > 0),
  add column worked_version bigint,
  add column warned_version bigint,
  add column issued_at timestamptz not null default now(),
  add column lease_owner text,
  add column lease_until timestamptz,
  add check ((lease_owner is null) = (lease_until is null)),
  add check (provider = 'notion');
create unique index oauth_tokens_one_of_a_workspace on oauth_tokens (provider, workspace_id) where status = 'connected';
comment on column oauth_tokens.version is 'Of the pair in the secret. It grows with every refresh and every new consent.';
comment on column oauth_tokens.lease_owner is 'Who refreshes: the refresh token may be used once only.';

create table oauth_attempts (
  id uuid primary key,
  state_sha256 bytea not null unique check (length(state_sha256) = 32),
  client text not null,
  client_state text not null default '' check (length(client_state) <= 500),
  created_at timestamptz not null,
  used_at timestamptz
);
create index oauth_attempts_by_time on oauth_attempts (created_at);
comment on table oauth_attempts is 'States that were given out. The secret of an attempt that was used is named by its id.';

alter table oauth_attempts enable row level security;
