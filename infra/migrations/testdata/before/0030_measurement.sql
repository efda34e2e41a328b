-- What is measured of calls.

-- +goose Up
create table measurements (
  connection_id uuid not null references connections (id) on delete cascade,
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
create index measurements_by_time on measurements (connection_id, at);
comment on table measurements is 'Calls by minute, service, operation and outcome; folded into hours and days as they age. A call stands in one row.';
comment on column measurements.outcome is 'Empty for a success, else the kind of error; of the cache hit, miss, stale or evicted.';
comment on column measurements.latency is 'Calls by latency, as shared/metric/histogram.go has the buckets.';

alter table measurements enable row level security;
