-- How it is going: measurements, checks, alerts, circuit breakers; what functions remember and spend together.

-- +goose Up
create table integration.measurements (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  grain text not null check (grain in ('minute', 'hour', 'day')),
  at timestamptz not null,
  service text not null check (service in ('notion', 'supabase', 'secrets', 'queue', 'subscriber', 'sync', 'cache', 'check')),
  operation text not null check (length(operation) <= 200),
  outcome text not null check (length(outcome) <= 40),
  calls bigint not null check (calls > 0),
  micros bigint not null check (micros >= 0),
  latency bigint[] not null check (cardinality(latency) = 28),
  primary key (connection_id, grain, at, service, operation, outcome)
);
create index measurements_by_time on integration.measurements (connection_id, at);
comment on table integration.measurements is 'Calls by minute, service, operation and outcome; folded into hours and days as they age. A call stands in one row.';
comment on column integration.measurements.outcome is 'Empty for a success, else the kind of error; of the cache hit, miss, stale or evicted.';
comment on column integration.measurements.latency is 'Calls by latency, as shared/telemetry/metric/histogram.go has the buckets.';

-- Checks whether both sides hold the same.
create table integration.consistency_runs (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  deep boolean not null,
  status text not null check (status in ('queued', 'running', 'succeeded', 'failed')),
  requested_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  touched_at timestamptz not null default clock_timestamp(),
  progress jsonb not null default '{}',
  results jsonb not null default '[]',
  found integer not null default 0,
  error text,
  check ((status in ('succeeded', 'failed')) = (finished_at is not null))
);
create unique index consistency_runs_one_at_a_time on integration.consistency_runs (connection_id) where status in ('queued', 'running');
create index consistency_runs_by_time on integration.consistency_runs (connection_id, deep, created_at desc);
comment on column integration.consistency_runs.touched_at is 'When it was last heard of: a run that went silent gives way to the next.';
comment on column integration.consistency_runs.results is 'What was found, by database and check: shared/sync/consistency.';

-- The conditions are listed in shared/ops/alert, where each has its title and its rule. A list here as well would have to follow it.
create table integration.alerts (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  condition text not null check (condition ~ '^[a-z_]+$'),
  subject text not null,
  message text not null,
  raised_at timestamptz not null,
  notified_at timestamptz not null,
  resolved_at timestamptz,
  acknowledged_by text,
  acknowledged_at timestamptz,
  silenced_until timestamptz,
  check ((acknowledged_by is null) = (acknowledged_at is null))
);
create unique index alerts_one_open on integration.alerts (connection_id, condition, subject) where resolved_at is null;
create index alerts_by_time on integration.alerts (connection_id, raised_at desc);
comment on column integration.alerts.notified_at is 'When the last alert_raised event was made for it.';

-- Circuit breakers, shared by all functions.
create table integration.breakers (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  service text not null check (length(service) between 1 and 300),
  status text not null check (status in ('closed', 'open', 'half_open')),
  opened_at timestamptz,
  retry_at timestamptz,
  reset_at timestamptz,
  openings bigint not null default 0,
  last_opened_at timestamptz,
  cooldown interval not null default '0',
  step integer not null default 0,
  turn bigint not null default 0,
  granted integer not null default 0,
  good integer not null default 0,
  bad integer not null default 0,
  primary key (connection_id, service),
  constraint breakers_check check ((status = 'closed') = (retry_at is null))
);
comment on table integration.breakers is 'open refuses calls until a time; half_open lets a few attempts through, more with each step that goes well (shared/resilience/breaker).';
comment on column integration.breakers.retry_at is 'While open: when the recovery begins. While half_open: when the step begins again, because nobody told how its attempts ended.';
comment on column integration.breakers.reset_at is 'When somebody closed it by hand: functions forget what they counted before.';
comment on column integration.breakers.cooldown is 'How long it was last opened for; each recovery that fails doubles it. Nothing while closed.';
comment on column integration.breakers.turn is 'Counts the steps that have begun, so that a late outcome is not taken for one of the step under way.';

create table integration.cache_entries (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null check (length(kind) <= 40),
  key text not null check (length(key) <= 200),
  value jsonb not null,
  stored_at timestamptz not null,
  fresh_until timestamptz not null,
  keep_until timestamptz not null,
  primary key (connection_id, kind, key)
);
create index cache_entries_by_end on integration.cache_entries (keep_until);
comment on column integration.cache_entries.keep_until is 'Until then it may be given, marked as stale, while its source is away.';

create table integration.cache_invalidations (
  generation bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kinds text[] not null,
  pattern text not null check (length(pattern) between 1 and 200),
  at timestamptz not null default clock_timestamp()
);
create index cache_invalidations_by_connection on integration.cache_invalidations (connection_id, generation);
comment on table integration.cache_invalidations is 'What was invalidated. Functions look for what is new at least once a second before they trust their memory.';

create table integration.cache_loads (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null check (length(kind) <= 40),
  key text not null check (length(key) <= 200),
  claimed_until timestamptz not null,
  primary key (connection_id, kind, key)
);
comment on table integration.cache_loads is 'Whoever put the row here asks for the entry, until then at the most; others wait for it.';

-- What all functions together spend of Notion's limit on requests.
create table integration.notion_requests (
  id bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  chunk_id uuid not null,
  interactive boolean not null,
  requests integer not null check (requests > 0),
  starts_at timestamptz not null,
  free_at timestamptz not null check (free_at > starts_at)
);
create index notion_requests_by_connection on integration.notion_requests (connection_id, free_at);
comment on table integration.notion_requests is 'Requests that were sent to Notion within the last minute, or that a function holds and may yet send.';
comment on column integration.notion_requests.starts_at is 'From when they may be sent; in the future for a function that waits.';
comment on column integration.notion_requests.free_at is 'When they count no more. Until the function has told when it sent them, as late as that may be.';

alter table integration.measurements enable row level security;
alter table integration.consistency_runs enable row level security;
alter table integration.alerts enable row level security;
alter table integration.breakers enable row level security;
alter table integration.cache_entries enable row level security;
alter table integration.cache_invalidations enable row level security;
alter table integration.cache_loads enable row level security;
alter table integration.notion_requests enable row level security;
