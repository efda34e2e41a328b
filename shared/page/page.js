"use strict";
// The dashboard: asks the API for what stands every few seconds and draws it. The key is in this closure and nowhere else; all that comes
// from the API is set as text.
(() => {
  const base = location.pathname.replace(/\/dashboard\/?$/, "");
  const $ = (id) => document.getElementById(id);
  const state = { key: "", range: "24h", session: 0, seen: new Set(), running: false, drawn: {} };

  // ── making elements ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const svgNames = new Set(["svg", "path", "circle", "line", "text", "g", "rect"]);
  function h(name, props, ...children) {
    const el = svgNames.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [k, v] of Object.entries(props || {})) {
      if (v === undefined || v === null || v === false) continue;
      if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
      else el.setAttribute(k, v === true ? "" : v);
    }
    el.append(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false));
    return el;
  }

  // draw replaces what an element holds, if it changed, and leaves the focus where it was.
  function draw(id, signature, make) {
    const text = JSON.stringify(signature ?? null);
    if (state.drawn[id] === text) return;
    state.drawn[id] = text;
    const el = $(id), name = el.contains(document.activeElement) ? document.activeElement.getAttribute("data-key") : null;
    el.replaceChildren(...[make()].flat());
    if (name) el.querySelector(`[data-key="${CSS.escape(name)}"]`)?.focus();
  }

  // ── writing figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const none = "–";
  const number = (n) => (n === null || n === undefined ? none : n.toLocaleString("en"));
  const ms = (v) => (v === null || v === undefined ? none : v >= 10000 ? (v / 1000).toFixed(1) + " s" : v === 0 ? "0" : v >= 100 ? Math.round(v) + " ms" : v.toFixed(1) + " ms");
  const percent = (v, places = 1) => (v === null || v === undefined ? none : v.toFixed(v === 0 || v === 100 ? 0 : places) + " %");
  const share = (v) => percent(v === null || v === undefined ? v : v * 100);
  function age(minutes) {
    if (minutes === null || minutes === undefined) return none;
    if (minutes < 1) return Math.round(minutes * 60) + " s";
    if (minutes < 120) return Math.round(minutes) + " min";
    return minutes < 2880 ? Math.round(minutes / 60) + " h" : Math.round(minutes / 1440) + " d";
  }
  const clock = (iso) => new Date(iso).toLocaleTimeString("en-GB");
  const since = (iso) => (iso ? age(Math.max(0, (Date.now() - new Date(iso)) / 60000)) + " ago" : "never");
  const words = (s) => String(s ?? "").replaceAll("_", " ");
  const short = (v) => { const s = typeof v === "string" ? v : JSON.stringify(v) ?? "empty"; return s.length > 200 ? s.slice(0, 200) + "…" : s; };

  // ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  class Refused extends Error { constructor(status, message) { super(message); this.status = status; } }
  async function ask(path, options = {}) {
    const session = state.session;
    const response = await fetch(base + path, {
      method: options.method || "GET",
      headers: { Authorization: "Bearer " + state.key, ...(options.body ? { "Content-Type": "application/json" } : {}) },
      body: options.body ? JSON.stringify(options.body) : undefined,
      cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(12000),
    });
    const answer = await response.json().catch(() => ({}));
    if (session !== state.session) throw new Refused(0, "signed out");
    if (response.status === 401) { close("The key is not valid any more. Sign in again."); throw new Refused(401, answer.message); }
    if (!response.ok && !(path === "/health" && response.status === 503 && answer.health)) throw new Refused(response.status, answer.message || "The API answers " + response.status + ".");
    return answer;
  }
  // maybe gives undefined where there is no such path, or the key may not use it.
  const maybe = (path) => ask(path).catch((e) => { if (e.status === 404 || e.status === 403 || e.status === 400) return undefined; throw e; });

  async function act(button, what, path, body) {
    button.disabled = true;
    try {
      const answer = await ask(path, { method: "POST", body });
      toast(answer.message || what);
      poll(true);
    } catch (e) { if (e.status !== 401 && e.status !== 0) toast(e.message); } finally { button.disabled = false; }
  }
  let toasting;
  function toast(text) {
    $("toast").textContent = text;
    $("toast").classList.add("on");
    clearTimeout(toasting);
    toasting = setTimeout(() => $("toast").classList.remove("on"), 5000);
  }

  // ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  function service(id, title, health, measured, breaker) {
    const open = breaker && breaker !== "closed";
    draw("service-" + id, [health, measured, breaker], () => {
      $("service-" + id).dataset.state = health?.status || "unknown";
      return [
        h("header", {}, h("h2", {}, title), h("span", { class: "pill", "data-state": health?.status || "unknown" }, health?.status || "unknown")),
        health?.message ? h("p", { class: "message" }, health.message) : null,
        h("div", { class: "facts" },
          h("span", {}, "typical ", h("b", {}, ms(measured?.p50_ms))), h("span", {}, "p95 ", h("b", {}, ms(measured?.p95_ms))),
          h("span", {}, "errors ", h("b", {}, measured?.calls ? share(measured.errors / measured.calls) : none)), h("span", {}, "calls ", h("b", {}, number(measured?.calls)))),
        open ? h("div", { class: "row" }, h("span", { class: "pill warn" }, "circuit breaker " + words(breaker)),
          h("button", { type: "button", class: "small", "data-key": "reset-" + id, onclick: (e) => act(e.target, "Reset.", "/breakers", { service: id }) }, "Reset")) : null,
      ].filter(Boolean);
    });
  }

  function link(health, status, dashboard) {
    const running = status?.isRunning, broken = ["notion", "supabase"].some((s) => health?.services?.[s]?.status === "unhealthy");
    $("link").dataset.state = broken ? "broken" : running ? "running" : "idle";
    const records = dashboard?.data_volumes?.total_records_synced ?? status?.statistics?.totalSynced;
    draw("link-text", [running, broken, records, dashboard?.overview?.last_sync], () => [
      h("b", {}, number(records)), " records in step", h("br"), running ? "syncing now" : broken ? "waiting for the connection" : "synced " + since(dashboard?.overview?.last_sync ?? status?.lastSync)]);
  }

  // ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  function tiles(d) {
    const o = d.overview, s = d.sync_metrics, p = d.performance_metrics;
    const errors = p.error_rates.notion, budget = p.api_budget;
    const list = [
      ["Uptime", percent(o.uptime_percentage, 2), "of checks in " + state.range, o.uptime_percentage !== null && o.uptime_percentage < 99 ? "bad" : ""],
      ["Freshness", age(s.data_freshness_minutes), "oldest database", s.data_freshness_minutes > 30 ? "warn" : ""],
      ["Syncs today", number(s.total_syncs_today), s.failed_syncs ? number(s.failed_syncs) + " failed" : "none failed", s.failed_syncs ? "warn" : ""],
      ["Sync time", ms(s.avg_sync_duration_ms), "mean in " + state.range, ""],
      ["Notion errors", share(errors), "of calls in " + state.range, errors > 0.05 ? "bad" : ""],
      ["Cache hits", share(p.cache_hit_rates.overall), "budget " + number(budget.last_minute) + " of " + number(budget.limit_per_minute) + " a minute", ""],
    ];
    draw("tiles", list, () => list.map(([name, value, note, how]) =>
      h("div", { class: "tile " + how }, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note))));
  }

  function databases(rows, progress) {
    const parts = {};
    for (const run of progress || []) for (const [name, part] of Object.entries(run.databases)) parts[name] = part;
    draw("databases", [rows.map((r) => [r, age(r.minutes)]), parts], () => rows.length === 0 ? h("p", { class: "empty" }, "No database is set up yet.") :
      h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Databases, one a row" }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}, "Database"), h("th", { class: "number" }, "Records"), h("th", { class: "number" }, "Waiting"), h("th", { class: "number" }, "Synced"), h("th", {}, "Now"))),
        h("tbody", {}, rows.map((r) => h("tr", {}, h("td", { class: "name" }, words(r.database)), h("td", { class: "number" }, number(r.records)), h("td", { class: "number" }, number(r.waiting_changes)),
          h("td", { class: "number" }, r.minutes === null ? "never" : age(r.minutes) + " ago"), h("td", {}, now(r, parts[r.database]))))))));
  }
  function now(row, part) {
    if (!part) return h("span", { class: row.minutes === null ? "pill" : "pill good" }, row.minutes === null ? "waiting" : "in step");
    if (part.status === "succeeded") return h("span", { class: "pill good" }, "done");
    if (part.status === "failed") return h("span", { class: "pill bad" }, "failed");
    const of = part.total ?? Math.max(row.records, part.counts.read, 1), done = Math.min(1, (part.done ?? part.counts.read) / of);
    const bar = h("i", {});
    bar.style.width = Math.max(4, 100 * done) + "%";
    return h("div", { class: "progress" }, h("span", {}, part.status === "queued" ? "queued" : words(part.phase || "starting") + " · " + number(part.counts.read) + " read"),
      h("div", { class: "bar", role: "progressbar", "aria-label": words(row.database) + " sync", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(done * 100) }, bar));
  }

  // ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const lines = ["notion", "supabase", "sync", "subscriber"];
  function chart(id, series, value, write, label, least) {
    draw(id, [series, state.range], () => {
      const used = lines.filter((s) => series.some((p) => value(p.services[s]) !== null));
      if (used.length === 0) return h("p", { class: "empty" }, "Nothing was measured in this range yet.");
      const W = 600, H = 190, left = 52, right = 8, top = 8, bottom = 22;
      const most = nice(Math.max(least, ...series.flatMap((p) => used.map((s) => value(p.services[s]) ?? 0))));
      const x = (i) => left + (series.length === 1 ? 0.5 : i / (series.length - 1)) * (W - left - right);
      const y = (v) => H - bottom - (v / most) * (H - top - bottom);
      const cursor = h("line", { class: "cursor", y1: top, y2: H - bottom, visibility: "hidden" });
      const tip = h("div", { class: "tip", hidden: true });
      const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", role: "img", tabindex: 0, "aria-label": `${label}: ` + used.map((s) => s + " " + write(last(series, s, value))).join(", ") + ". Arrow keys go through the points." },
        [0, .5, 1].map((f) => h("line", { class: "grid", x1: left, x2: W - right, y1: y(f * most), y2: y(f * most) })), cursor,
        used.map((s) => h("g", {}, h("path", { class: "line s-" + s, d: path(series, s, value, x, y), "vector-effect": "non-scaling-stroke" }), lone(series, s, value).map((i) => h("path", { class: "lone s-" + s, d: `M${x(i)} ${y(value(series[i].services[s]))}h.01`, "vector-effect": "non-scaling-stroke" })))),
      );
      const plot = h("div", { class: "plot" }, svg, tip);
      labels(plot, write, most, series);
      let at = series.length - 1;
      const point = (i) => {
        at = Math.max(0, Math.min(series.length - 1, i));
        cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at)); cursor.setAttribute("visibility", "visible");
        tip.hidden = false;
        tip.replaceChildren(h("div", {}, when(series[at].at)), ...used.map((s) => h("div", {}, s + " ", h("b", {}, write(value(series[at].services[s]))))));
        const side = x(at) / W;
        tip.style.left = side < .6 ? side * 100 + 2 + "%" : "auto"; tip.style.right = side < .6 ? "auto" : (1 - side) * 100 + 2 + "%";
      };
      const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
      svg.addEventListener("pointermove", (e) => { const r = svg.getBoundingClientRect(); point(Math.round(((e.clientX - r.left) / r.width * W - left) / (W - left - right) * (series.length - 1))); });
      svg.addEventListener("pointerleave", hide); svg.addEventListener("blur", hide); svg.addEventListener("focus", () => point(at));
      svg.addEventListener("keydown", (e) => { const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[e.key]; if (by) { e.preventDefault(); point(at + by); } });
      return [plot, h("div", { class: "legend" }, used.map((s) => h("span", {}, h("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, h("circle", { class: "d-" + s, cx: 5, cy: 5, r: 5 })), s, " ", write(last(series, s, value)))))];
    });
  }
  const last = (series, s, value) => { for (let i = series.length - 1; i >= 0; i--) { const v = value(series[i].services[s]); if (v !== null) return v; } return null; };
  function nice(v) { const p = 10 ** Math.floor(Math.log10(v)); return [1, 2, 5, 10].find((m) => m * p >= v) * p; }
  // A stretch without a call breaks the line.
  function path(series, s, value, x, y) {
    let d = "", pen = false;
    series.forEach((p, i) => { const v = value(p.services[s]); if (v === null) { pen = false; return; } d += (pen ? "L" : "M") + x(i).toFixed(1) + " " + y(v).toFixed(1); pen = true; });
    return d;
  }
  const lone = (series, s, value) => series.map((p, i) => i).filter((i) => { const at = (j) => series[j] && value(series[j].services[s]); return at(i) !== null && (at(i - 1) ?? null) === null && (at(i + 1) ?? null) === null; });
  const when = (iso) => { const d = new Date(iso); return state.range === "1h" || state.range === "24h" ? d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : d.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + (state.range === "7d" ? " " + d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : ""); };
  // The labels are HTML, so that they keep their shape while the picture is stretched.
  function labels(plot, write, most, series) {
    const place = (text, set, cls) => { const el = h("span", { class: "tick " + (cls || ""), "aria-hidden": "true" }, text); Object.assign(el.style, set); plot.append(el); };
    [[most, 8], [most / 2, 88], [0, 168]].forEach(([v, top]) => place(write(v), { top: top - 8 + "px" }, "y"));
    place(when(series[0].at), { left: "8.6%" }, "x"); place("now", { right: "1.3%" }, "x");
  }

  // ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  function alerts(list) {
    const open = (list || []).filter((a) => a.status !== "resolved");
    $("alerts-section").dataset.count = open.length;
    draw("alerts", open, () => h("ul", { class: "list" }, open.map((a) => h("li", { class: "wrap" },
      h("div", { class: "what" }, h("b", {}, a.title || words(a.condition)), h("small", {}, a.message, " · since " + clock(a.raised_at), a.acknowledged_by ? " · seen by " + a.acknowledged_by : "", a.silenced_until ? " · silent until " + clock(a.silenced_until) : "")),
      h("div", { class: "act" },
        a.acknowledged_by ? null : h("button", { type: "button", class: "small", "data-key": "ack-" + a.id, onclick: (e) => act(e.target, "Acknowledged.", "/alerts", { id: a.id, action: "acknowledge" }) }, "Acknowledge"),
        h("button", { type: "button", class: "small", "data-key": "mute-" + a.id, onclick: (e) => act(e.target, "Silent for an hour.", "/alerts", { id: a.id, action: "silence", minutes: 60 }) }, "Silence 1 h"))))));
  }

  const button = (key, text, what, path, body) => h("button", { type: "button", class: "small", "data-key": key, onclick: (e) => act(e.target, what, path, body) }, text);

  function conflicts(answer, counts) {
    const list = answer?.conflicts || [];
    const side = { notion: "Notion", supabase: "Supabase" };
    draw("conflicts", [list, counts], () => list.length ? h("ul", { class: "list" }, list.slice(0, 8).map((c) => {
      const path = "/sync/conflicts/" + encodeURIComponent(c.id);
      return h("li", { class: "wrap" }, h("div", { class: "what" },
        h("b", {}, c.title || words(c.database), " · ", words(c.field || "deletion"), " "), h("span", { class: c.winner ? "pill" : "pill warn" }, c.winner ? side[c.winner] + " kept" : "waits for you"),
        h("small", {}, words(c.database) + " · " + since(c.detected_at)),
        h("dl", { class: "versus" }, ["notion", "supabase"].flatMap((s) => [h("dt", {}, side[s]), h("dd", { class: c.winner === s ? "won" : "" }, short(c[s + "_value"]))]))),
        h("div", { class: "act" }, ["notion", "supabase"].filter((s) => s !== c.winner).map((s) => button(s + c.id, "Keep " + side[s] + "’s", "It is kept; a sync carries it out.", path, { keep: s }))));
    })) : h("p", { class: "empty" }, counts?.total ? number(counts.in_range) + " in this range, " + number(counts.total) + " in all. Every value that lost is kept." : "None. Every value that loses would be kept here, whole."));
  }

  function problems(errors, status) {
    const held = status?.held || [], refused = errors?.errors || [], failed = (status?.errors || []).filter((x) => !errors || !x.record_id);
    draw("problems", [held, refused, failed], () => {
      const list = [
        ...held.map((x) => h("li", { class: "wrap" }, h("div", { class: "what" }, h("b", {}, number(x.records) + " deletions held"), h("small", {}, `of ${number(x.total)} ${words(x.database)}, in ${x.side === "notion" ? "Notion" : "Supabase"} · ` + since(x.since))),
          h("div", { class: "act" }, button("approve" + x.id, "Delete them", "A sync deletes them.", "/sync/held/" + encodeURIComponent(x.id), { decision: "approve" }), button("refuse" + x.id, "Bring them back", "A sync brings them back.", "/sync/held/" + encodeURIComponent(x.id), { decision: "refuse" })))),
        ...Object.entries(Object.groupBy(failed, (x) => x.message)).map(([message, of]) => h("li", {}, h("div", { class: "what" }, h("b", {}, [...new Set(of.map((x) => words(x.database)))].join(", ")), h("small", {}, message + " · " + since(of[0].at))))),
        ...refused.slice(0, 8).map((x) => h("li", { class: "wrap" }, h("div", { class: "what" }, h("b", {}, x.title || words(x.database)), h("small", {}, x.reason, " · tried " + number(x.attempts) + " times")),
          h("div", { class: "act" }, button("retry" + x.record_id, "Try again", "It is tried again now.", "/sync/errors/retry", { database: x.database, record_ids: [x.record_id] })))),
      ];
      return list.length ? h("ul", { class: "list" }, list.slice(0, 12)) : h("p", { class: "empty" }, "None. Deletions that are held, and records that one side refuses, would stand here with the reason.");
    });
  }

  const checks = { notion_supabase_sync: "rows", notion_pages: "pages", relations: "relations" };
  function consistency(report) {
    draw("consistency", report, () => {
      const r = report?.consistency_report, records = (r?.details || []).flatMap((d) => d.records || []), tables = {};
      for (const d of r?.details || []) {
        const name = d.check_type === "notion_supabase_sync" ? d.target_table : d.source_table.replace("notion:", "");
        (tables[name] ||= []).push(`${number(d.records_checked)} ${checks[d.check_type] || words(d.check_type)}` + (d.inconsistencies ? `, ${number(d.inconsistencies)} differ` : ""));
      }
      const bad = r ? r.inconsistent_records + r.missing_records : 0;
      return [
        h("div", { class: "row" }, r ? h("span", { class: "pill " + (bad ? "warn" : "good") }, bad ? number(bad) + " differ" : "consistent") : null,
          h("button", { type: "button", class: "small", "data-key": "deep", disabled: Boolean(r?.progress), onclick: (e) => deep(e.target) }, "Check against Notion"),
          r?.progress ? h("span", { class: "empty" }, words(r.progress.status) + ", " + number(r.progress.pages_read) + " pages read") : r ? h("span", { class: "empty" }, r.last_checked_against_notion ? "last " + clock(r.last_checked_against_notion) : "not yet checked against Notion") : null),
        records.length ? h("ul", { class: "list" }, records.slice(0, 8).map((f) => h("li", { class: "wrap" },
          h("div", { class: "what" }, h("b", {}, f.name || words(f.database)), " ", h("span", { class: "pill warn" }, words(f.problem)), h("small", {}, words(f.database) + " · " + f.advice),
            f.fields?.length ? h("dl", { class: "versus" }, f.fields.slice(0, 4).flatMap((x) => [h("dt", {}, words(x.field)), h("dd", {}, short(x.base) + " → " + short(x.supabase ?? x.notion))])) : null),
          f.repairable ? h("div", { class: "act" }, button("repair" + (f.record_id || f.notion_id), "Repair", "Queued.", "/data-consistency/repair", { records: [{ database: f.database, record_id: f.record_id || "", notion_id: f.notion_id || "" }] })) : null))) :
          r ? h("dl", { class: "pairs" }, Object.entries(tables).map(([name, parts]) => [h("dt", {}, words(name)), h("dd", {}, parts.join(" · "))])) : h("p", { class: "empty" }, "Not checked yet."),
      ].filter(Boolean);
    });
  }
  async function deep(button) {
    button.disabled = true;
    try { toast((await ask("/data-consistency?deep=true")).message || "The check has begun."); poll(true); } catch (e) { toast(e.message); } finally { button.disabled = false; }
  }

  function subscriptions(answer, rate) {
    const list = answer?.subscriptions || [];
    draw("subscriptions", [list, rate], () => list.length ? h("ul", { class: "list" }, list.slice(0, 8).map((s) => h("li", {},
      h("div", { class: "what" }, h("b", {}, s.callback_url), h("small", {}, (s.event_types || []).join(", "))), h("span", { class: "pill " + (s.status !== "active" ? "bad" : s.failing_since ? "warn" : "good") }, s.status === "active" && s.failing_since ? "failing" : s.status)))) :
      h("p", { class: "empty" }, rate === null || rate === undefined ? "Nobody has subscribed to events yet." : "Deliveries that arrived: " + share(rate)));
  }

  const moods = { sync_completed: "good", alert_resolved: "good", oauth_connected: "good", sync_failed: "bad", alert_raised: "bad", error: "bad", oauth_revoked: "bad", webhook_disabled: "bad", sync_conflict: "warn", sync_held: "warn", oauth_expiring: "warn", schema_changed: "warn" };
  function events(list) {
    draw("events", list.map((e) => e.id), () => list.length ? h("ul", { class: "list feed", tabindex: 0, "aria-label": "Events, newest first" }, list.slice(0, 50).map((e) => h("li", {},
      h("span", { class: "dot " + (moods[e.type] || "") }), h("time", { datetime: e.timestamp }, clock(e.timestamp)), h("span", { class: "kind" }, words(e.type)), h("span", { class: "detail" }, detail(e.data))))) :
      h("p", { class: "empty" }, "Nothing has happened yet."));
  }
  const detail = (data) => Object.entries(data || {}).filter(([k, v]) => v !== null && typeof v !== "object" && v !== "" && !/(^|_)id$|_at$/.test(k))
    .map(([k, v]) => (k === "duration_ms" ? "took " + ms(v) : k === "message" || k === "name" || k === "title" ? v : words(k) + " " + words(v))).join(" · ") || String(data?.notion_id ?? data?.id ?? "");

  // ── going on ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const shown = {};
  let timer, failures = 0, round = 0, busy = false;
  async function poll(whole) {
    clearTimeout(timer);
    if (!state.key || busy) return;
    busy = true;
    const session = state.session;
    try {
      await refresh(whole || round % 4 === 0);
      round++; failures = 0;
      $("banner").hidden = true;
      $("updated").textContent = "Updated " + new Date().toLocaleTimeString("en-GB");
    } catch (e) {
      if (e.status === 401 || session !== state.session) return;
      failures++;
      if (failures > 1) { $("banner").textContent = "The API does not answer. What you see is from before; it is asked again."; $("banner").hidden = false; }
    } finally { busy = false; }
    if (session === state.session && !document.hidden) timer = setTimeout(poll, Math.min(60000, (state.running ? 1500 : 4000) * 2 ** Math.min(failures, 4)));
  }

  async function refresh(whole) {
    const [health, status] = await Promise.all([ask("/health"), ask("/sync/status").catch((e) => { if (e.status === 503 || e.status === 403) return undefined; throw e; })]);
    const s = status?.sync_statistics?.status;
    const ended = state.running && !s?.isRunning;
    state.running = Boolean(s?.isRunning);
    $("overall").dataset.state = health.health.overall;
    $("overall").textContent = health.health.overall;
    document.title = (health.health.overall === "healthy" ? "" : "● ") + "Integration · " + health.health.overall;
    if (whole || ended || !shown.dashboard) await details();
    const d = shown.dashboard, services = health.health.services;
    service("notion", "Notion", services.notion, d?.performance_metrics?.services.notion, services.notion.breaker);
    service("supabase", "Supabase", services.supabase, d?.performance_metrics?.services.supabase, services.supabase.breaker);
    link(health.health, s, d);
    if (d) databases(d.data_freshness, s?.progress);
    problems(shown.errors, s);
    events(status?.sync_statistics?.recent_events || []);
    $("sync").disabled = state.running;
    $("sync").textContent = state.running ? "Syncing…" : "Sync now";
  }

  async function details() {
    const asked = { dashboard: maybe("/analytics/dashboard?include_events=false&time_range=" + state.range), alerts: maybe("/alerts"), conflicts: maybe("/sync/conflicts?limit=8"), errors: maybe("/sync/errors?limit=8"), consistency: maybe("/data-consistency"), subscriptions: maybe("/events/subscriptions") };
    const names = Object.keys(asked), answers = await Promise.allSettled(Object.values(asked));
    answers.forEach((a, i) => { if (a.status === "fulfilled") shown[names[i]] = a.value; });
    if (shown.dashboard?.dashboard_data) shown.dashboard = shown.dashboard.dashboard_data;
    const d = shown.dashboard;
    if (d?.performance_metrics) {
      tiles(d);
      chart("latency", d.performance_metrics.series, (m) => m?.p95_ms ?? null, ms, "95th percentile of latency", 1);
      chart("errors", d.performance_metrics.series, (m) => (m?.calls ? m.errors / m.calls : null), share, "Share of calls that failed", 0.02);
    }
    alerts(shown.alerts?.alerts);
    conflicts(shown.conflicts, d?.conflicts);
    consistency(shown.consistency);
    subscriptions(shown.subscriptions, d?.performance_metrics?.delivery_success_rate);
  }

  function close(reason) {
    state.key = ""; state.session++; state.drawn = {}; state.running = false; round = 0;
    for (const k of Object.keys(shown)) delete shown[k];
    clearTimeout(timer);
    for (const id of ["alerts", "tiles", "databases", "latency", "errors", "conflicts", "problems", "consistency", "subscriptions", "events", "service-notion", "service-supabase", "link-text"]) $(id).replaceChildren();
    $("board").hidden = true; $("door").hidden = false;
    $("door-error").textContent = reason || "";
    $("key").value = ""; $("key").focus();
    document.title = "Integration · Notion and Supabase";
  }

  $("sign-in").addEventListener("submit", async (e) => {
    e.preventDefault();
    const button = e.target.querySelector("button");
    const key = $("key").value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) { $("door-error").textContent = "A key has no spaces and no special characters."; return; }
    state.key = key; state.session++; button.disabled = true; $("door-error").textContent = "";
    try {
      await ask("/events?limit=1");
      $("key").value = "";
      $("door").hidden = true; $("board").hidden = false; $("main").focus();
      poll(true);
    } catch (x) {
      if (x.status !== 401) close(x.status ? x.message : "The API cannot be reached. Try again in a moment.");
      else $("door-error").textContent = x.message || "The key is not valid.";
    } finally { button.disabled = false; }
  });
  $("sign-out").addEventListener("click", () => close());
  $("sync").addEventListener("click", (e) => { state.running = true; act(e.target, "The sync has begun.", "/sync/trigger", { type: "full" }); });
  for (const r of ["1h", "24h", "7d", "30d", "90d"]) {
    $("ranges").append(h("label", {}, h("input", { type: "radio", name: "range", value: r, checked: r === state.range, onchange: () => { state.range = r; poll(true); } }), h("span", {}, r)));
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(true); });
  $("key").focus();
})();
