-- A row in each table of the schema before the first release.
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
insert into partners_projects (partner_id, project_id) select '00000000-0000-0000-0001-000000000001', id from projects;
insert into oauth_attempts (id, state_sha256, client, created_at) values (gen_random_uuid(), decode(repeat('01', 32), 'hex'), 'reader', now());
insert into caller_windows (caller, started_at, requests) values ('reader', now(), 3);
insert into audit_log (id, connection_id, at, client, key_id, source_ip, request_id, action) values ('00000000-0000-0000-0006-000000000001', '00000000-0000-0000-0000-000000000001', now(), 'reader', 'abcdefgh', '127.0.0.1', 'r', 'POST /sync/trigger');
insert into audit_outcomes (id, connection_id, at, status, detail) values ('00000000-0000-0000-0006-000000000001', '00000000-0000-0000-0000-000000000001', now(), 202, '{}');
insert into sync_holds (id, connection_id, kind, side, records, total, created_at) values ('00000000-0000-0000-0007-000000000001', '00000000-0000-0000-0000-000000000001', 'partners', 'notion', 9, 10, now());
insert into sync_held_records (connection_id, kind, row_id, hold_id) values ('00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000001', '00000000-0000-0000-0007-000000000001');
insert into sync_match_pages (connection_id, kind, notion_id, title, state, how, value) values ('00000000-0000-0000-0000-000000000001', 'partners', 'n9', 'T', 'doubtful', 'title', 't');
insert into sync_match_rows (connection_id, kind, row_id, state, how, value) values ('00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000002', 'doubtful', 'title', 't');
insert into sync_previews (connection_id, run_id, kind, row_id) values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0002-000000000001', 'partners', '00000000-0000-0000-0001-000000000001');
insert into sync_waiting (connection_id, kind, field, row_id, page_id) values ('00000000-0000-0000-0000-000000000001', 'partners', 'projects', '00000000-0000-0000-0001-000000000001', 'n7');
insert into sync_looks (connection_id, kind, page_id) values ('00000000-0000-0000-0000-000000000001', 'partners', 'n1');
insert into sync_wakes (connection_id, kind, sent_at) values ('00000000-0000-0000-0000-000000000001', 'partners', now());
insert into sync_moves (connection_id, kind, old_id, new_id) values ('00000000-0000-0000-0000-000000000001', 'partners', '00000000-0000-0000-0001-000000000009', '00000000-0000-0000-0001-000000000001');
insert into sync_rekeys (connection_id, kind, notion_id) values ('00000000-0000-0000-0000-000000000001', 'partners', 'n1');
insert into sync_former_pages (connection_id, page_id, row_id) values ('00000000-0000-0000-0000-000000000001', 'n0', '00000000-0000-0000-0001-000000000001');
insert into workspace_full (connection_id, reason) values ('00000000-0000-0000-0000-000000000001', 'full');
insert into event_subscriptions (id, connection_id, callback_url, event_types, rate_limit, secret, rest_until, created_by, created_at, updated_at) values
  ('00000000-0000-0000-0008-000000000001', '00000000-0000-0000-0000-000000000001', 'https://example.com/', '{sync_completed}', 10, 'sealed1:x', now(), 'reader', now(), now());
insert into event_subscription_secrets (subscription_id, secret, until) values ('00000000-0000-0000-0008-000000000001', 'sealed1:y', now());
insert into event_deliveries (id, connection_id, subscription_id, event_id, event_type, next_attempt_at, created_at) values
  ('00000000-0000-0000-0009-000000000001', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0008-000000000001', '00000000-0000-0000-0005-000000000001', 'sync_completed', now(), now());
insert into event_attempts (delivery_id, number, started_at, duration_ms) values ('00000000-0000-0000-0009-000000000001', 1, now(), 5);
insert into notion_webhooks (connection_id, verification_token, created_at) values ('00000000-0000-0000-0000-000000000001', 'sealed1:token', now());
insert into notion_webhook_events (connection_id, id, received_at) values ('00000000-0000-0000-0000-000000000001', gen_random_uuid(), now());
insert into measurements (connection_id, grain, at, service, operation, outcome, calls, micros, latency) values ('00000000-0000-0000-0000-000000000001', 'minute', now(), 'notion', 'GET', '', 1, 5, array_fill(0, array[28]));
insert into consistency_runs (id, connection_id, deep, status, requested_by, created_at, finished_at) values (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', true, 'succeeded', 'reader', now(), now());
insert into alerts (id, connection_id, condition, subject, message, raised_at, told_at) values (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'stale_data', 'partners', 'm', now(), now());
insert into breakers (connection_id, service, status, until) values ('00000000-0000-0000-0000-000000000001', 'notion', 'open', now());
insert into cache_entries (connection_id, kind, key, value, stored_at, fresh_until, keep_until) values ('00000000-0000-0000-0000-000000000001', 'notion', 'k', '1', now(), now(), now());
insert into cache_invalidations (connection_id, kinds, pattern) values ('00000000-0000-0000-0000-000000000001', '{notion}', '*');
insert into cache_loads (connection_id, kind, key, until) values ('00000000-0000-0000-0000-000000000001', 'notion', 'k', now());
insert into notion_requests (connection_id, chunk_id, interactive, requests, starts_at, free_at) values ('00000000-0000-0000-0000-000000000001', gen_random_uuid(), false, 1, now(), now() + interval '1 minute');
insert into notion_projects (connection_id, notion_id, name, data, row_data) values ('00000000-0000-0000-0000-000000000001', 'p1', 'Seeds', '{}', '{}');
insert into notion_opportunities (connection_id, notion_id, name, data, row_data) values ('00000000-0000-0000-0000-000000000001', 'o1', 'Grant', '{}', '{}');
insert into notion_organizations (connection_id, notion_id, name, data, row_data) values ('00000000-0000-0000-0000-000000000001', 'g1', 'Guild', '{}', '{}');
insert into partners_opportunities (partner_id, opportunity_id) select '00000000-0000-0000-0001-000000000001', id from opportunities;
insert into projects_opportunities (project_id, opportunity_id) select p.id, o.id from projects p, opportunities o;
insert into projects_organizations (project_id, organization_id) select p.id, o.id from projects p, organizations o;
insert into opportunities_organizations (opportunity_id, organization_id) select p.id, o.id from opportunities p, organizations o;
