-- The schema of the integration, and who is connected. Everything of ours is in it, but for the tables of records and their base tables, and the
-- table that the specification names (oauth_tokens): those are in public.

-- +goose Up
create table integration.connections (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  created_at timestamptz not null default now(),
  conflict_policy text not null default 'newest' check (conflict_policy in ('newest', 'notion', 'supabase', 'manual')),
  sync_interval interval not null default '0' check (sync_interval >= '0' and sync_interval <= '1 day'),
  notion_plan text not null default '' check (notion_plan in ('', 'standard', 'business')),
  database_ids jsonb not null default '{}' check (jsonb_typeof(database_ids) = 'object'),
  version bigint not null default 1,
  updated_at timestamptz not null default now(),
  updated_by text
);
comment on table integration.connections is 'One row a Notion workspace. All other tables say whose row each is.';
comment on column integration.connections.database_ids is 'Notion databases by kind, beside those that the environment names for the first connection.';
insert into integration.connections (id, name) values ('00000000-0000-0000-0000-000000000001', 'default');

-- The specification's table; the tokens themselves are in Secrets Manager, under the name in secret_id.
create table public.oauth_tokens (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
  provider text not null,
  secret_id text not null,
  expires_at timestamptz,
  token_type text default 'Bearer',
  scope text,
  workspace_name text,
  workspace_id text,
  bot_id text,
  owner jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  status text not null default 'connected' check (status in ('connected', 'revoked', 'disconnected')),
  version bigint not null default 1 check (version > 0),
  worked_version bigint,
  warned_version bigint,
  issued_at timestamptz not null default now(),
  lease_owner text,
  lease_until timestamptz,
  unique (connection_id, provider),
  check ((lease_owner is null) = (lease_until is null)),
  constraint oauth_tokens_provider_check check (provider = 'notion')
);
create unique index oauth_tokens_one_of_a_workspace on public.oauth_tokens (provider, workspace_id) where status = 'connected';
comment on column public.oauth_tokens.version is 'Of the pair in the secret. It grows with every refresh and every new consent.';
comment on column public.oauth_tokens.lease_owner is 'Who refreshes: the refresh token may be used once only.';

create table integration.oauth_attempts (
  id uuid primary key,
  state_sha256 bytea not null unique check (length(state_sha256) = 32),
  client text not null,
  client_state text not null default '' check (length(client_state) <= 500),
  created_at timestamptz not null,
  used_at timestamptz
);
create index oauth_attempts_by_time on integration.oauth_attempts (created_at);
comment on table integration.oauth_attempts is 'States that were given out. The secret of an attempt that was used is named by its id.';

alter table integration.goose_db_version enable row level security;
alter table integration.connections enable row level security;
alter table public.oauth_tokens enable row level security;
alter table integration.oauth_attempts enable row level security;
