-- Who is connected, and who may call.

-- +goose Up
create table connections (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  created_at timestamptz not null default now()
);
comment on table connections is 'One row a Notion workspace. All other tables say whose row each is.';
insert into connections (id, name) values ('00000000-0000-0000-0000-000000000001', 'default');

-- The specification's table; the tokens themselves live in Secrets Manager, under the name that secret_id gives.
create table oauth_tokens (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references connections (id) on delete cascade,
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
  unique (connection_id, provider)
);

create table api_keys (
  id text primary key check (id ~ '^[a-z0-9]{8,32}$'),
  client text not null,
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  scopes text[] not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
comment on column api_keys.secret_sha256 is 'The key itself is shown once and kept nowhere.';

alter table connections enable row level security;
alter table oauth_tokens enable row level security;
alter table api_keys enable row level security;
alter table goose_db_version enable row level security;
