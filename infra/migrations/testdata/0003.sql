-- A row in each table, as version 3 has them: what later migrations find.
insert into partners (id, name, location) values ('00000000-0000-0000-0001-000000000001', 'Ballarat Tool Library', 'Perth'), ('00000000-0000-0000-0001-000000000002', null, null);
insert into projects (name, budget, tags) values ('Seeds', 12.5, '{a,b}');
insert into opportunities (name, probability) values ('Grant', 0.5);
insert into organizations (name, active) values ('Guild', true);
insert into notion_partners (connection_id, id, notion_id, name, data, row_data) values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0001-000000000001', 'n1', 'Ballarat Tool Library', '{"id":"n1"}', '{"name":"Ballarat Tool Library"}');
insert into oauth_tokens (provider, secret_id, owner) values ('notion', 'act/dev/oauth/1', '{"type":"user"}');
insert into api_keys (id, client, secret_sha256, scopes) values ('abcdefgh', 'reader', decode(repeat('00', 32), 'hex'), '{read}');
insert into sync_databases (connection_id, kind, database_id, data_source_id) values ('00000000-0000-0000-0000-000000000001', 'partners', 'd', 's');
insert into sync_leases (connection_id, kind, owner, term, expires_at) values ('00000000-0000-0000-0000-000000000001', 'partners', 'w', 7, now());
insert into sync_runs (id, connection_id, type, status, requested_by, created_at, finished_at) values
  ('00000000-0000-0000-0002-000000000001', '00000000-0000-0000-0000-000000000001', 'full', 'succeeded', 'schedule', now(), now()),
  ('00000000-0000-0000-0002-000000000002', '00000000-0000-0000-0000-000000000001', 'incremental', 'queued', 'schedule', now(), null);
insert into sync_run_databases (run_id, kind, queued_at) values ('00000000-0000-0000-0002-000000000002', 'partners', now());
insert into sync_seen (run_id, kind, notion_id) values ('00000000-0000-0000-0002-000000000002', 'partners', 'n1');
insert into sync_intents (id, connection_id, kind, row_id, op, created_at) values ('00000000-0000-0000-0003-000000000001', '00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000001', 'update', now());
insert into sync_conflicts (id, connection_id, kind, row_id, field, rule, winner, intent_id, detected_at) values ('00000000-0000-0000-0004-000000000001', '00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000001', 'location', 'newest', 'notion', '00000000-0000-0000-0003-000000000001', now());
insert into sync_errors (connection_id, kind, row_id, side, reason, first_at, last_at, next_attempt_at) values ('00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000002', 'notion', 'r', now(), now(), now());
insert into integration_events (id, connection_id, type, source_system, target_system, created_at) values ('00000000-0000-0000-0005-000000000001', '00000000-0000-0000-0000-000000000001', 'sync_completed', 'notion', 'supabase', now());
