"use strict";
// The dashboard: asks the API for what stands every few seconds and draws it. The key is in this closure and nowhere else; all that comes
// from the API is set as text.
(() => {
  const base = location.pathname.replace(/\/dashboard\/?$/, "");
  const $ = (id) => document.getElementById(id);
  const state = { key: "", range: "24h", session: 0, running: false, drawn: {}, connection: "" };

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

  // What is drawn anew between the press and the release of a pointer would take no click.
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; });
  for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => { pressed = false; });

  // draw replaces what an element holds, if it changed, and leaves the focus and the scrolling where they were. Where what had the focus is
  // gone, the focus is on what held it, so that Tab goes on from there.
  function draw(id, signature, make) {
    const text = JSON.stringify([signature ?? null, new Date().toDateString()]); // moments are written by the day that it is
    if (pressed || state.drawn[id] === text) return;
    state.drawn[id] = text;
    const el = $(id), held = el.contains(document.activeElement), at = document.activeElement.dataset.key, down = el.firstElementChild?.scrollTop;
    el.replaceChildren(...[make()].flat());
    if (down) el.firstElementChild.scrollTop = down;
    if (!held) return;
    const same = at && el.querySelector(`[data-key="${CSS.escape(at)}"]`);
    if (!same) el.tabIndex = -1;
    (same || el).focus({ preventScroll: true });
  }

  // ── writing figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const none = "–";
  const number = (n) => (n === null || n === undefined ? none : n.toLocaleString("en"));
  const round = (v, places) => String(Number(v.toFixed(places)));
  const ms = (v) => (v === null || v === undefined ? none : v >= 1000 ? round(v / 1000, 1) + " s" : v === 0 ? "0" : round(v, v >= 100 ? 0 : 1) + " ms");
  const percent = (v, places = 1) => (v === null || v === undefined ? none : round(v, places) + " %");
  const share = (v) => percent(v === null || v === undefined ? v : v * 100);
  function age(minutes) {
    if (minutes === null || minutes === undefined) return none;
    if (minutes < 1) return Math.round(minutes * 60) + " s";
    if (minutes < 120) return Math.round(minutes) + " min";
    return minutes < 2880 ? Math.round(minutes / 60) + " h" : Math.round(minutes / 1440) + " d";
  }
  // moment is a time of day, and the day where it is another.
  const moment = (iso) => { const d = new Date(iso); return (d.toDateString() === new Date().toDateString() ? "" : d.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + " ") + clock(iso); };
  const clock = (iso) => new Date(iso).toLocaleTimeString("en-GB");
  const range = () => state.range.replace(/\D+$/, " $&").replace("d", "days").replace("h", state.range === "1h" ? "hour" : "hours");
  const since = (iso) => (iso ? age(Math.max(0, (Date.now() - new Date(iso)) / 60000)) + " ago" : "never");
  // ago is a time as its distance from now, which ages lets grow.
  const ago = (iso) => h("time", { datetime: iso, "data-since": iso }, since(iso));
  const ages = () => document.querySelectorAll("[data-since]").forEach((el) => { const text = since(el.dataset.since); if (el.textContent !== text) el.textContent = text; });
  const words = (s) => String(s ?? "").replaceAll("_", " ");
  const short = (v) => { const s = typeof v === "string" ? v : JSON.stringify(v) ?? "empty"; return s.length > 200 ? s.slice(0, 200) + "…" : s; };

  // ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  class Refused extends Error { constructor(status, message) { super(message); this.status = status; } }
  // of names the connection that was chosen; the first needs no name, and /health is of the whole.
  const of = (path) => (state.connection && path !== "/health" ? path + (path.includes("?") ? "&" : "?") + "connection_id=" + state.connection : path);
  async function ask(path, options = {}) {
    const session = state.session;
    const response = await fetch(base + of(path), {
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
  // maybe gives what the key may not see as the reason why.
  const maybe = (path) => ask(path).catch((e) => { if (e.status === 403) return { forbidden: e.message }; throw e; });

  // A button that is at work keeps its place and the focus, and takes no second press.
  const resting = (el) => el.getAttribute("aria-disabled") === "true";
  const rest = (el, on) => el.setAttribute("aria-disabled", on);
  async function act(el, what, path, body) {
    if (resting(el)) return;
    rest(el, true);
    try {
      await ask(path, body && { method: "POST", body });
      toast(what);
      poll(true);
    } catch (e) { if (e.status !== 401 && e.status !== 0) toast(e.message, "bad"); } finally { rest(el, false); }
  }
  const button = (key, text, what, path, body) => h("button", { type: "button", class: "small", "data-key": key, onclick: (e) => act(e.currentTarget, what, path, body) }, text);
  // What cannot be taken back asks to be pressed once more. What is asked outlives a redraw.
  const sure = new Map();
  function grave(key, text, again, what, path, body) {
    const show = (el) => { const on = sure.get(key) > Date.now(); el.textContent = on ? again : text; el.classList.toggle("grave", on); return on; };
    const el = h("button", { type: "button", class: "small", "data-key": key, onclick: () => {
      if (sure.get(key) > Date.now()) { act(el, what, path, body); return; }
      sure.set(key, Date.now() + 8000);
      show(el);
      setTimeout(() => show(el), 8100);
    } });
    show(el);
    return el;
  }
  let toasting;
  function toast(text, mood) {
    $("toast").textContent = text;
    $("toast").dataset.mood = mood || "";
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
          button("reset-" + id, "Reset", "Reset.", "/breakers", { service: id })) : null,
      ].filter(Boolean);
    });
  }

  // ill are the services that cannot be synced with now, or of which nothing is known.
  const ill = (services) => ["notion", "supabase"].filter((s) => services?.[s]?.status !== "healthy");
  // failing are the databases whose last sync failed, or whose sync nobody works on.
  const failing = (status) => new Set((status?.errors || []).filter((x) => !x.record_id).map((x) => x.database));
  function link(away, status, dashboard) {
    const running = status?.isRunning, broken = away.length > 0, failed = failing(status).size > 0;
    $("link").dataset.state = broken ? "broken" : running ? "running" : "idle";
    const records = dashboard?.data_volumes?.total_records_synced ?? status?.statistics?.totalSynced;
    const last = status?.lastSync ?? dashboard?.overview?.last_sync;
    draw("link-records", records, () => [h("b", {}, number(records)), " records"]);
    draw("link-text", [running, broken, failed, last], () => (running ? "syncing now" : broken ? "waiting for the connection" : failed ? (last ? ["the last sync failed, synced ", ago(last)] : "the last sync failed") : last ? ["synced ", ago(last)] : "not yet synced"));
  }

  // ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  function tiles(d) {
    const o = d.overview, s = d.sync_metrics, p = d.performance_metrics;
    const errors = p.error_rates.notion, budget = p.api_budget;
    const list = [
      ["Uptime", percent(o.uptime_percentage, 2), "of checks in " + range(), o.uptime_percentage !== null && o.uptime_percentage < 99 ? "bad" : ""],
      ["Freshness", age(s.data_freshness_minutes), "oldest database", s.data_freshness_minutes > 30 ? "warn" : ""],
      ["Syncs today", number(s.total_syncs_today), s.failed_syncs ? number(s.failed_syncs) + " failed" : "none failed", s.failed_syncs ? "warn" : ""],
      ["Sync time", ms(s.avg_sync_duration_ms), "mean in " + range(), ""],
      ["Notion errors", share(errors), "of calls in " + range(), errors > 0.05 ? "bad" : ""],
      ["Cache hits", share(p.cache_hit_rates.overall), "budget " + number(budget.last_minute) + " of " + number(budget.limit_per_minute) + " a minute", ""],
    ];
    draw("tiles", list, () => list.map(([name, value, note, how]) =>
      h("div", { class: "tile " + how }, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note))));
  }

  // What is going on with a database goes before what waits, and that before what is done.
  const urgency = ["running", "queued", "failed", "succeeded"];
  function databases(rows, status, away, known) {
    const parts = {}, open = {}, failed = failing(status);
    for (const x of status?.held || []) (open[x.database] ||= []).push(number(x.records) + " held");
    for (const x of rows) if (x.refused_records) (open[x.database] ||= []).push(number(x.refused_records) + " refused");
    for (const run of status?.progress || []) if (!run.dry_run) for (const [name, part] of Object.entries(run.databases)) {
      if (!parts[name] || urgency.indexOf(part.status) < urgency.indexOf(parts[name].status)) parts[name] = part;
    }
    draw("databases", [rows.map((r) => [r.database, r.records, r.waiting_changes, age(r.minutes)]), parts, open, [...failed], away, known], () => rows.length === 0 ? h("p", { class: "empty" }, "No database is set up yet.") :
      h("div", { class: "scroll", tabindex: 0, "data-key": "databases", role: "group", "aria-label": "Databases, one a row" }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}, "Database"), h("th", { class: "number" }, "Records"), h("th", { class: "number" }, "Waiting"), h("th", { class: "number" }, "Synced"), h("th", {}, "Now"))),
        h("tbody", {}, rows.map((r) => h("tr", {}, h("td", { class: "name" }, words(r.database)), h("td", { class: "number" }, number(r.records)), h("td", { class: "number" }, number(r.waiting_changes)),
          h("td", { class: "number" }, r.minutes === null ? "never" : [age(r.minutes), h("span", { class: "ago" }, " ago")]), h("td", {}, now(r, parts[r.database], open[r.database], failed.has(r.database), away, known))))))));
  }
  function now(row, part, open, failed, away, known) {
    const pill = (text, mood) => h("span", { class: "pill " + (mood || "") }, text);
    if (!known) return pill("unknown");
    if (part?.status === "failed") return pill("failed", "bad");
    if (part?.status === "succeeded" && !away.length) return pill("done", "good");
    if (!part || part.status === "succeeded") {
      if (failed || open) return [failed ? pill("not in step", "bad") : null, ...(open || []).map((text) => pill(text, "warn"))].filter(Boolean);
      if (row.minutes === null) return pill("not yet synced");
      if (away.length) return pill("waits for " + away.map((s) => side[s]).join(" and "), "warn");
      return row.waiting_changes ? pill("changes to sync") : pill("in step", "good");
    }
    // Of how many nobody knows, the bar has no length.
    const told = part.status === "running" && part.expected > 0, done = told ? Math.min(1, part.done / part.expected) : 0, bar = h("i", {});
    bar.style.width = told ? Math.max(4, 100 * done) + "%" : "100%";
    return h("div", { class: "progress" }, h("span", {}, part.status === "queued" ? "queued" : words(part.phase || "starting") + " · " + number(part.done) + (part.expected > part.done ? " of " + number(part.expected) : "") + (part.phase === "push" ? " rows" : " read") + (part.seconds_left ? " · " + age(part.seconds_left / 60) + " left" : "")),
      h("div", { class: told ? "bar" : "bar unknown", role: "progressbar", "aria-label": words(row.database) + " sync", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": told ? Math.round(done * 100) : undefined }, bar));
  }

  // ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const kebab = (s) => s.replaceAll(" ", "-");
  const lines = ["notion", "supabase", "sync", "subscriber"];
  // value gives what a line shows of a point, null for nothing.
  function chart(id, series, lines, value, write, label, least, tops = []) {
    draw(id, [series, state.range], () => {
      const used = lines.filter((s) => series.some((p) => value(p, s) !== null));
      if (used.length === 0) return h("p", { class: "empty" }, "Nothing was measured in this range yet.");
      const W = 600, H = 190, left = 52, right = 8, top = 8, bottom = 22;
      const highest = Math.max(least, ...series.flatMap((p) => used.map((s) => value(p, s) ?? 0))), most = tops.find((v) => v >= highest) ?? nice(highest);
      const x = (i) => left + (series.length === 1 ? 0.5 : i / (series.length - 1)) * (W - left - right);
      const y = (v) => H - bottom - (v / most) * (H - top - bottom);
      const cursor = h("line", { class: "cursor", y1: top, y2: H - bottom, visibility: "hidden" });
      const tip = h("div", { class: "tip", hidden: true });
      const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", role: "img", tabindex: 0, "data-key": id, "aria-label": `${label}: ` + used.map((s) => s + " " + write(last(series, s, value))).join(", ") + ". Arrow keys go through the points." },
        [0, .5, 1].map((f) => h("line", { class: "grid", x1: left, x2: W - right, y1: y(f * most), y2: y(f * most) })), cursor,
        used.map((s) => h("g", {}, h("path", { class: "line s-" + kebab(s), d: path(series, s, value, x, y), "vector-effect": "non-scaling-stroke" }), lone(series, s, value).map((i) => h("path", { class: "lone s-" + kebab(s), d: `M${x(i)} ${y(value(series[i], s))}h.01`, "vector-effect": "non-scaling-stroke" })))),
      );
      const plot = h("div", { class: "plot" }, svg, tip);
      labels(plot, write, most, series);
      let at = series.length - 1;
      const point = (i) => {
        at = Math.max(0, Math.min(series.length - 1, i));
        cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at)); cursor.setAttribute("visibility", "visible");
        tip.hidden = false;
        tip.replaceChildren(h("div", {}, when(series[at].at)), ...used.map((s) => h("div", {}, s + " ", h("b", {}, write(value(series[at], s))))));
        const side = x(at) / W;
        tip.style.left = side < .6 ? side * 100 + 2 + "%" : "auto"; tip.style.right = side < .6 ? "auto" : (1 - side) * 100 + 2 + "%";
      };
      const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
      svg.addEventListener("pointermove", (e) => { const r = svg.getBoundingClientRect(); point(Math.round(((e.clientX - r.left) / r.width * W - left) / (W - left - right) * (series.length - 1))); });
      svg.addEventListener("pointerleave", hide); svg.addEventListener("blur", hide); svg.addEventListener("focus", () => point(at));
      svg.addEventListener("keydown", (e) => { const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[e.key]; if (by) { e.preventDefault(); point(at + by); } });
      return [plot, h("div", { class: "legend" }, used.map((s) => h("span", {}, h("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, h("circle", { class: "d-" + kebab(s), cx: 5, cy: 5, r: 5 })), s, " ", write(last(series, s, value)))))];
    });
  }
  // ageTops are minutes of which the half is a plain age too.
  const ageTops = [1, 2, 10, 20, 60, 120, 240, 480, 720, 1440, 2880, 5760, 14400, 28800, 57600, 144000];
  const last = (series, s, value) => { for (let i = series.length - 1; i >= 0; i--) { const v = value(series[i], s); if (v !== null) return v; } return null; };
  function nice(v) { const p = 10 ** Math.floor(Math.log10(v)); return [1, 2, 5, 10].find((m) => m * p >= v) * p; }
  // A stretch without a call breaks the line.
  function path(series, s, value, x, y) {
    let d = "", pen = false;
    series.forEach((p, i) => { const v = value(p, s); if (v === null) { pen = false; return; } d += (pen ? "L" : "M") + x(i).toFixed(1) + " " + y(v).toFixed(1); pen = true; });
    return d;
  }
  const lone = (series, s, value) => series.map((p, i) => i).filter((i) => { const at = (j) => series[j] && value(series[j], s); return at(i) !== null && (at(i - 1) ?? null) === null && (at(i + 1) ?? null) === null; });
  const when = (iso) => { const d = new Date(iso); return state.range === "1h" || state.range === "24h" ? d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : d.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + (state.range === "7d" ? " " + d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : ""); };
  // The labels are HTML, so that they keep their shape while the picture is stretched.
  function labels(plot, write, most, series) {
    const place = (text, set, cls) => { const el = h("span", { class: "tick " + (cls || ""), "aria-hidden": "true" }, text); Object.assign(el.style, set); plot.append(el); };
    [[most, 8], [most / 2, 88], [0, 168]].forEach(([v, top]) => place(write(v), { top: top - 8 + "px" }, "y"));
    place(range() + " ago", { left: "8.6%" }, "x"); place("now", { right: "1.3%" }, "x");
  }

  // ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  function alerts(list) {
    const open = (list || []).filter((a) => a.status !== "resolved");
    $("alerts-section").dataset.count = open.length;
    draw("alerts", open, () => h("ul", { class: "list" }, open.map((a) => h("li", { class: "wrap" },
      h("div", { class: "what" }, h("b", {}, a.title || words(a.condition)), h("small", {}, a.message, " · since " + moment(a.raised_at), a.acknowledged_by ? " · seen by " + a.acknowledged_by : "", a.silenced_until ? " · silent until " + moment(a.silenced_until) : "")),
      h("div", { class: "act" },
        a.acknowledged_by ? null : button("ack-" + a.id, "Acknowledge", "Acknowledged.", "/alerts", { id: a.id, action: "acknowledge" }),
        a.acknowledged_by || a.silenced_until ? null : button("mute-" + a.id, "Silence for 1 h", "Silent for an hour.", "/alerts", { id: a.id, action: "silence", minutes: 60 }))))));
  }

  const side = { notion: "Notion", supabase: "Supabase" };
  const empty = (text) => h("p", { class: "empty" }, text);
  // others is the last line of a list that does not show all.
  const others = (all, shown, ...act) => (all > shown ? h("li", { class: act.length ? "wrap" : "" }, h("div", { class: "what" }, h("b", {}, `and ${number(all - shown)} more`)), act.length ? h("div", { class: "act" }, act) : null) : null);
  // seen is a line that says what Notion shows of a conflict by now.
  function seen(answer) {
    const now = answer?.notion_now;
    if (!now || now.message) return null;
    const by = now.edited_by?.name, what = now.state === "live" ? short(now.value) + (now.complete ? "" : " …") : { archived: "in the trash", gone: "gone" }[now.state];
    return h("small", { class: "now" }, "Notion now: ", h("b", {}, what), by ? [" · edited by " + by + " ", ago(now.edited_at)] : null, now.stale ? [" · Notion is away, seen ", ago(now.read_at)] : null);
  }
  function conflicts(waiting, lately, counts, glanced, waits) {
    const list = [...new Map([...(waiting || []), ...(lately || [])].map((c) => [c.id, c])).values()].slice(0, 8);
    draw("conflicts", [list, counts, waits, list.map((c) => glanced?.[c.id]?.notion_now)], () => list.length ? h("ul", { class: "list" }, list.map((c) => {
      const open = c.status === "waiting" || c.status === "resolved";
      const how = { waiting: "waits for you", resolved: side[c.winner] + " kept", decided: "decided, not yet synced", settled: "settled" + (c.decided_by ? " by " + c.decided_by : "") }[c.status] || words(c.status);
      return h("li", { class: "wrap" }, h("div", { class: "what" },
        h("b", {}, c.title || words(c.database), " · ", words(c.field || "deletion"), " "), h("span", { class: "pill " + ({ waiting: "warn", settled: "good" }[c.status] || "") }, how),
        h("small", {}, words(c.database) + " · ", ago(c.detected_at)),
        h("dl", { class: "versus" }, ["notion", "supabase"].map((s) => [h("dt", {}, side[s]), h("dd", { class: open && c.winner === s ? "won" : "", title: short(c[s + "_value"]) }, short(c[s + "_value"]))])), c.status === "waiting" ? seen(glanced?.[c.id]) : null),
      open ? h("div", { class: "act" }, ["notion", "supabase"].filter((s) => s !== c.winner).map((s) => button(s + c.id, "Keep " + side[s] + "’s", side[s] + "’s is kept; a sync carries it out.", "/sync/conflicts/" + encodeURIComponent(c.id), { keep: s }))) : null);
    }), others(counts?.total, list.length), waits > list.length ? h("li", {}, h("small", {}, number(waits) + " wait for you in all.")) : null) : empty(counts?.total ? number(counts.in_range) + " in this range, " + number(counts.total) + " in all. Every value that lost is kept." : "None. Every value that loses would be kept here, whole."));
  }

  // problems are what a person has to look at: deletions that are held, what one side refuses, databases whose sync failed.
  function problems(errors, status, named, rows) {
    const held = status?.held || [], refused = errors?.errors || [], failed = (status?.errors || []).filter((x) => !x.record_id || errors?.forbidden), doubtful = status?.statistics?.matchesWaiting || 0, out = status?.out_of_step || [];
    const all = (rows || []).reduce((n, r) => n + r.refused_records, 0);
    draw("problems", [held, refused, failed, doubtful, out, named, all], () => {
      const item = (title, text, ...act) => h("li", { class: act.length > 1 ? "wrap tall" : "wrap" }, h("div", { class: "what" }, h("b", {}, title), text.map((t) => h("small", {}, t))), act.length ? h("div", { class: "act" }, act) : null);
      const list = [
        ...held.map((x) => {
          const path = "/sync/held/" + encodeURIComponent(x.id), seen = named[x.id], titles = seen?.titles || [], records = seen?.records ?? x.records, rest = records - titles.length;
          return item(number(records) + " deletions held", [[`of ${number(x.total)} ${words(x.database)}, in ${side[x.side]} · `, ago(x.since)], ...(titles.length ? [titles.join(", ") + (rest > 0 ? ` and ${number(rest)} more` : "")] : [])],
            seen ? grave("approve" + x.id, "Delete them", "Really delete " + number(records), "A sync deletes them.", path, { decision: "approve", version: seen.version }) : null, button("refuse" + x.id, "Bring them back", "A sync brings them back.", path, { decision: "refuse" }));
        }),
        ...Object.entries(Object.groupBy(failed, (x) => x.message)).map(([message, of]) => item([...new Set(of.map((x) => words(x.database)))].join(", "), [[message + " · ", ago(of[0].at)]])),
        ...out.map((x) => item(`${words(x.database)} · ${words(x.field)} out of step`, [x.message])),
        doubtful ? item(number(doubtful) + (doubtful === 1 ? " page" : " pages") + " without a row", ["A person says which row each is: GET /sync/matches lists them."]) : null,
        ...refused.map((x) => item(x.title || words(x.database), [`${words(x.database)} · ${x.reason} · tried ` + (x.attempts === 1 ? "once" : number(x.attempts) + " times")], button("retry" + x.record_id, "Try again", "It is tried again now.", "/sync/errors/retry", { database: x.database, record_ids: [x.record_id] }))),
        refused.length ? others(all, refused.length, button("retry-all", "Try all again", "All are tried again now.", "/sync/errors/retry", {})) : null,
      ].filter(Boolean);
      return list.length ? h("ul", { class: "list" }, list) : empty("None. Deletions that are held, and records that one side refuses, would stand here with the reason.");
    });
  }

  const checks = { notion_supabase_sync: "rows", notion_pages: "pages", relations: "relations" };
  function consistency(report) {
    draw("consistency", [report?.consistency_report, report?.forbidden], () => {
      if (report?.forbidden) return empty(report.forbidden);
      const r = report?.consistency_report, records = (r?.details || []).flatMap((d) => d.records || []), tables = {};
      for (const d of r?.details || []) {
        const name = d.check_type === "notion_supabase_sync" ? d.target_table : d.source_table.replace("notion:", "");
        (tables[name] ||= []).push(`${number(d.records_checked)} ${checks[d.check_type] || words(d.check_type)}` + (d.inconsistencies ? `, ${number(d.inconsistencies)} differ` : ""));
      }
      const bad = r ? r.inconsistent_records + r.missing_records : 0;
      return [
        h("div", { class: "row" }, r ? h("span", { class: "pill " + (bad ? "warn" : "good") }, bad ? number(bad) + " differ" : "consistent") : null,
          r?.progress ? null : button("deep", "Check against Notion", "The check has begun.", "/data-consistency?deep=true"),
          r?.progress ? h("span", { class: "empty" }, words(r.progress.status) + ", " + number(r.progress.pages_read) + " pages read") : r ? h("span", { class: "empty" }, r.last_checked_against_notion ? "last " + moment(r.last_checked_against_notion) : "not yet checked against Notion") : null),
        records.length ? h("ul", { class: "list" }, records.slice(0, 8).map((f) => h("li", { class: "wrap" },
          h("div", { class: "what" }, h("b", {}, f.name || words(f.database)), " ", h("span", { class: "pill warn" }, words(f.problem)), h("small", {}, words(f.database) + " · " + f.advice),
            f.fields?.length ? h("dl", { class: "versus" }, f.fields.slice(0, 4).flatMap((x) => [h("dt", {}, words(x.field)), h("dd", {}, short(x.base) + " → " + short(x.supabase ?? x.notion))])) : null),
          f.repairable ? h("div", { class: "act" }, button("repair" + (f.record_id || f.notion_id), "Repair", "Queued.", "/data-consistency/repair", { records: [{ database: f.database, record_id: f.record_id || "", notion_id: f.notion_id || "" }] })) : null)), others(bad, Math.min(records.length, 8))) :
          r ? h("dl", { class: "pairs" }, Object.entries(tables).map(([name, parts]) => [h("dt", {}, words(name)), h("dd", {}, parts.join(" · "))])) : h("p", { class: "empty" }, "Not checked yet."),
      ].filter(Boolean);
    });
  }
  const host = (address) => { try { return "subscriber:" + new URL(address).host; } catch { return ""; } };
  function subscriptions(answer, rate, breakers) {
    const list = answer?.subscriptions || [], open = Object.fromEntries((breakers || []).filter((b) => b.status !== "closed").map((b) => [b.service, b.status]));
    draw("subscriptions", [list, rate, answer?.forbidden, open], () => answer?.forbidden ? empty(answer.forbidden) : list.length ? h("ul", { class: "list" }, list.slice(0, 8).map((s) => {
      const service = ["subscription:" + s.subscription_id, host(s.callback_url)].find((b) => open[b]), breaker = open[service];
      return h("li", { class: breaker ? "wrap" : "" },
        h("div", { class: "what" }, h("b", {}, s.callback_url), h("small", {}, (s.event_types || []).join(", "))),
        h("div", { class: "act" }, breaker ? [h("span", { class: "pill warn" }, "circuit breaker " + words(breaker)), button("reset-" + s.subscription_id, "Reset", "Reset.", "/breakers", { service })] : null,
          h("span", { class: "pill " + (s.status !== "active" ? "bad" : s.failing_since ? "warn" : "good") }, s.status === "active" && s.failing_since ? "failing" : s.status)));
    }), others(list.length, 8)) :
      h("p", { class: "empty" }, rate === null || rate === undefined ? "Nobody has subscribed to events yet." : "Deliveries that arrived: " + share(rate)));
  }

  const moods = { sync_completed: "good", alert_resolved: "good", oauth_connected: "good", sync_failed: "bad", alert_raised: "bad", error: "bad", oauth_revoked: "bad", webhook_disabled: "bad", sync_conflict: "warn", sync_held: "warn", oauth_expiring: "warn", schema_changed: "warn" };
  function events(list) {
    draw("events", list.map((e) => e.id), () => {
      const rows = [];
      for (const e of list) {
        const text = detail(e.data || {}), last = rows.at(-1);
        if (last && last.e.type === e.type && last.text === text) last.times++; else rows.push({ e, text, times: 1 });
      }
      return rows.length ? h("ul", { class: "list feed", tabindex: 0, "data-key": "feed", "aria-label": "Events, newest first" }, rows.slice(0, 100).map(({ e, text, times }) => h("li", {},
        h("span", { class: "dot " + (moods[e.type] || "") }), h("time", { datetime: e.timestamp }, moment(e.timestamp)), h("span", { class: "kind" }, words(e.type), times > 1 ? h("span", { class: "times" }, " × " + number(times)) : null), h("span", { class: "detail", title: text }, text)))) :
        empty("Nothing has happened yet.");
    });
  }
  // happened asks what is new: events that were stored with a late commit too, which bear an earlier time.
  async function happened() {
    const known = shown.events || [], late = known.length ? "&since=" + encodeURIComponent(new Date(Date.parse(known[0].timestamp) - 30000).toISOString()) : "";
    const answer = await ask("/events?limit=200" + late).catch((e) => { if (e.status === 503) return { events: [] }; throw e; });
    shown.events = [...new Map([...answer.events, ...known].map((e) => [e.id, e])).values()].sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : a.id < b.id ? 1 : -1)).slice(0, 300);
  }
  // detail says in a line what an event is of: the usual members in words, then the others that are plain.
  const plain = {
    kind: words, name: String, title: String, message: String, reason: String, problem: String, condition: words, subject: String, field: (v) => "field " + words(v), fields: (v) => v.length + (v.length === 1 ? " field" : " fields"), winner: (v) => side[v] + " kept",
    side: (v) => "in " + (side[v] || v), sync_type: words, status: words, requested_by: (v) => "by " + v, duration_ms: (v) => "took " + ms(v), records: (v) => number(v) + " records", total: (v) => "of " + number(v), rule: (v) => "rule " + v,
    deep: (v) => (v ? "against Notion" : ""), missing_records: (v) => number(v) + " missing", inconsistent_records: (v) => number(v) + " differ",
  };
  const detail = (data) => [...Object.keys(plain).filter((k) => k in data), ...Object.keys(data).filter((k) => !(k in plain) && !/(^|_)id$|_at$/.test(k) && typeof data[k] !== "object")]
    .filter((k) => data[k] !== null && data[k] !== "" && !(k === "condition" && data.message)).map((k) => (plain[k] ? plain[k](data[k]) : words(k) + " " + words(data[k]))).filter(Boolean).join(" · ") || String(data.notion_id ?? data.id ?? "");

  // ── going on ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  const shown = {};
  let timer, failures = 0, rounds = 0, busy = false, wanted = false;
  async function poll(whole) {
    clearTimeout(timer);
    if (whole === true) wanted = true;
    if (!state.key || busy) return;
    busy = true;
    const session = state.session, all = wanted || rounds % 4 === 0;
    wanted = false;
    try {
      await refresh(all);
      rounds++; failures = 0;
      $("banner").hidden = true;
      $("updated").textContent = "Updated " + new Date().toLocaleTimeString("en-GB");
    } catch (e) {
      if (session === state.session && state.key) { failures++; if (!heard) adrift(); }
      if (failures > 1) { $("banner").textContent = (e.status ? e.message : "The API does not answer.") + " What you see is from before; it is asked again."; $("banner").hidden = false; }
    } finally { busy = false; }
    if (!state.key || document.hidden) return;
    timer = setTimeout(poll, wanted && !failures ? 0 : Math.min(60000, (state.running ? 1500 : 3000) * 2 ** Math.min(Math.max(failures - 1, 0), 4)));
  }

  // wellbeing draws how things stand; undefined: nothing is known of it.
  function wellbeing(overall, services, status) {
    const d = shown.dashboard, away = overall === "healthy" ? [] : ill(services);
    $("overall").dataset.state = $("overall").textContent = overall || "unknown";
    document.title = (overall === "healthy" ? "" : "● ") + "Integration · " + (overall || "unknown");
    service("notion", "Notion", services?.notion, d?.performance_metrics?.services.notion, services?.notion?.breaker);
    service("supabase", "Supabase", services?.supabase, d?.performance_metrics?.services.supabase, services?.supabase?.breaker);
    link(away, status, d);
    if (d) databases(d.data_freshness, status, away, Boolean(services));
  }
  // adrift: the API does not answer, so nobody knows how things stand now.
  const adrift = () => wellbeing(undefined, undefined, undefined);

  let heard = false; // in this round, how things stand
  async function refresh(whole) {
    heard = false;
    const session = state.session, still = () => { if (session !== state.session) throw new Refused(0, "another session"); };
    const more = Promise.allSettled([ask("/sync/status").catch((e) => { if (e.status === 503 || e.status === 403) return undefined; throw e; }), happened()]);
    const health = await ask("/health"), services = { ...health.health.services };
    still();
    if (state.connection) services.notion = shown.config?.configuration?.notion || {};
    wellbeing(health.health.overall, services, shown.status);
    heard = true;
    const [{ value: status }] = (await more).map((answer) => { if (answer.reason) throw answer.reason; return answer; });
    still();
    const s = shown.status = status?.sync_statistics?.status;
    const ended = state.running && !s?.isRunning;
    state.running = Boolean(s?.isRunning);
    if (whole || ended || !shown.dashboard) await details(still);
    const d = shown.dashboard;
    if (state.connection) services.notion = shown.config?.configuration?.notion || {};
    wellbeing(health.health.overall, services, s);
    if (status) { await naming(s.held || []); still(); problems(shown.errors, s, shown.named, d?.data_freshness); }
    events(shown.events);
    ages();
    rest($("sync"), state.running);
    $("sync").textContent = state.running ? "Syncing…" : "Sync now";
  }

  // naming asks which records the deletions are of. A person approves what was shown: the version says which records those were.
  async function naming(held) {
    const named = {};
    for (const x of held) {
      const seen = await ask("/sync/held/" + encodeURIComponent(x.id) + "?limit=5").then((a) => ({ records: a.hold.records, version: a.version, titles: a.records.map((r) => r.title).filter(Boolean) }), () => undefined);
      if (seen) named[x.id] = seen;
    }
    shown.named = named;
  }

  // glancing asks what Notion shows of the conflicts that wait: at most every two minutes, since each costs a request of Notion's budget.
  async function glancing(waiting, still) {
    const before = shown.glanced || {}, now = Date.now();
    shown.glanced = {};
    for (const c of waiting || []) {
      const known = before[c.id];
      const seen = known && now - known.at < 120000 ? known : { ...(await ask("/sync/conflicts/" + encodeURIComponent(c.id)).catch((e) => { if (e.status === 0 || e.status === 401) throw e; return {}; })), at: now };
      still();
      shown.glanced[c.id] = seen;
    }
  }

  async function details(still) {
    const asked = { config: maybe("/config"), dashboard: maybe("/analytics/dashboard?include_events=false&time_range=" + state.range), alerts: maybe("/alerts"), waiting: maybe("/sync/conflicts?status=waiting&limit=8"), lately: maybe("/sync/conflicts?limit=8"), errors: maybe("/sync/errors?limit=8"), consistency: maybe("/data-consistency"), subscriptions: maybe("/events/subscriptions"), breakers: maybe("/breakers") };
    const names = Object.keys(asked), answers = await Promise.allSettled(Object.values(asked));
    still();
    answers.forEach((a, i) => { if (a.status === "fulfilled") shown[names[i]] = a.value; });
    if (shown.dashboard?.dashboard_data) shown.dashboard = shown.dashboard.dashboard_data;
    connections(shown.config?.configuration?.connections || []);
    const d = shown.dashboard;
    if (d?.performance_metrics) {
      tiles(d);
      const series = d.performance_metrics.series, of = (p, s) => p.services[s];
      chart("freshness", series, ["oldest database"], (p) => p.data_freshness_minutes ?? null, age, "Longest that a database went without a sync", 1, ageTops);
      chart("latency", series, lines, (p, s) => of(p, s)?.p95_ms ?? null, ms, "95th percentile of latency", 1);
      chart("errors", series, lines, (p, s) => (of(p, s)?.calls ? of(p, s).errors / of(p, s).calls : null), share, "Share of calls that failed", 0.02);
    }
    alerts(shown.alerts?.alerts);
    await glancing(shown.waiting?.conflicts, still);
    conflicts(shown.waiting?.conflicts, shown.lately?.conflicts, d?.conflicts, shown.glanced, shown.status?.statistics?.conflictsWaiting);
    consistency(shown.consistency);
    subscriptions(shown.subscriptions, d?.performance_metrics?.delivery_success_rate, shown.breakers?.breakers);
  }

  // connections offers the choice where there is one.
  function connections(list) {
    const names = list.map((c) => [c.first ? "" : c.connection_id, c.oauth?.workspace_name || words(c.name)]), text = JSON.stringify(names);
    $("connections").hidden = list.length < 2;
    if (state.drawn.connections !== text) $("connection").replaceChildren(...names.map(([value, name]) => h("option", { value }, name)));
    state.drawn.connections = text;
    $("connection").value = state.connection;
  }
  // choose begins anew with another connection: what is under way for the one before is not shown.
  function choose(connection) {
    state.connection = connection; state.session++; failures = 0;
    clear();
    poll(true);
  }
  // clear takes away what is of a connection.
  function clear() {
    state.drawn = {}; state.running = false;
    sure.clear();
    for (const k of Object.keys(shown)) delete shown[k];
    for (const id of ["alerts", "tiles", "databases", "freshness", "latency", "errors", "conflicts", "problems", "consistency", "subscriptions", "events", "service-notion", "service-supabase", "link-text", "link-records"]) $(id).replaceChildren();
  }

  function close(reason) {
    state.key = ""; state.connection = ""; state.session++; rounds = 0; failures = 0; wanted = false;
    clear();
    clearTimeout(timer);
    $("connections").hidden = true;
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
  $("sync").addEventListener("click", (e) => { if (!state.running) act(e.currentTarget, "The sync has begun.", "/sync/trigger", { type: "full" }); });
  $("connection").addEventListener("change", (e) => choose(e.target.value));
  for (const r of ["1h", "24h", "7d", "30d", "90d"]) {
    $("ranges").append(h("label", {}, h("input", { type: "radio", name: "range", value: r, checked: r === state.range, onchange: () => { state.range = r; poll(true); } }), h("span", {}, r)));
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(true); });
  addEventListener("online", () => poll(true));
  $("key").focus();
})();
