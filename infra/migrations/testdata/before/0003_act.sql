-- The four ACT databases: the tables that the platform works with, as shared/mapping/act.json names them.

-- +goose Up
create table partners (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references connections (id) on delete cascade,
  name text,
  type text,
  category text,
  description text,
  contribution_type text,
  relationship_strength text,
  collaboration_focus text[],
  impact_story text,
  featured boolean not null default false,
  logo_url text,
  location text,
  established_date date,
  status text,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table projects (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references connections (id) on delete cascade,
  name text,
  description text,
  status text,
  area text,
  lead text,
  funding text,
  start_date date,
  end_date date,
  budget numeric,
  tags text[],
  featured boolean not null default false,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table opportunities (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references connections (id) on delete cascade,
  name text,
  description text,
  type text,
  stage text,
  amount numeric,
  probability numeric,
  deadline date,
  contact text,
  requirements text,
  tags text[],
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table organizations (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references connections (id) on delete cascade,
  name text,
  type text,
  description text,
  website text,
  contact text,
  location text,
  relationship_type text,
  active boolean not null default false,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

call keep_in_step('partners', 'partners', 'notion_partners');
call keep_in_step('projects', 'projects', 'notion_projects');
call keep_in_step('opportunities', 'opportunities', 'notion_opportunities');
call keep_in_step('organizations', 'organizations', 'notion_organizations');
