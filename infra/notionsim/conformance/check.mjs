// Drives a Notion simulator with Notion's official client, as an application would, and says of each check whether it holds.
// Environment: NOTION_URL, NOTION_TOKEN, NOTION_PERSON_TOKEN, PARTNERS_DATABASE_ID, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET,
// OAUTH_REDIRECT_URI. The workspace is the demo workspace, and is reset at the end.

import assert from "node:assert/strict"
import { createServer } from "node:http"
import {
  APIErrorCode,
  APIResponseError,
  Client,
  collectAllDataSourceRows,
  collectPaginatedAPI,
  isFullDatabase,
  isFullDataSource,
  isFullPage,
  isFullUser,
  signWebhookPayload,
  verifyWebhookSignature,
} from "@notionhq/client"

const env = name => process.env[name] ?? assert.fail(`${name} is not set`)
const baseUrl = env("NOTION_URL")
const options = { baseUrl, notionVersion: "2026-03-11", logger: () => {} }
const bot = new Client({ ...options, auth: env("NOTION_TOKEN"), retry: false })
const person = new Client({ ...options, auth: env("NOTION_PERSON_TOKEN"), retry: false })
const databaseId = env("PARTNERS_DATABASE_ID")

async function control(path, body = {}) {
  const answer = await fetch(`${baseUrl}/_sim/${path}`, { method: "POST", body: JSON.stringify(body) })
  assert.equal(answer.status, 200, await answer.clone().text())
  return answer.json()
}

const title = content => ({ title: [{ text: { content } }] })
const text = content => ({ rich_text: [{ text: { content } }] })
const plain = property => property[property.type].map(run => run.plain_text).join("")

async function refused(promise, status, code, part) {
  const error = await promise.then(() => assert.fail("it was not refused"), e => e)
  assert.ok(error instanceof APIResponseError, String(error))
  assert.equal(error.status, status)
  assert.equal(error.code, code)
  assert.ok(error.message.includes(part), error.message)
  assert.match(error.request_id, /^[0-9a-f-]{36}$/)
  return error
}

let dataSourceId
let pageId

const checks = {
  "users: me, list, one": async () => {
    const me = await bot.users.me({})
    assert.ok(isFullUser(me))
    assert.equal(me.type, "bot")
    assert.equal((await person.users.me({})).type, "person")
    const users = await collectPaginatedAPI(bot.users.list, { page_size: 2 })
    assert.equal(users.length, 7)
    assert.equal((await bot.users.retrieve({ user_id: users[0].id })).id, users[0].id)
  },
  "database and data source": async () => {
    const database = await bot.databases.retrieve({ database_id: databaseId })
    assert.ok(isFullDatabase(database))
    assert.equal(database.data_sources.length, 1)
    dataSourceId = database.data_sources[0].id
    assert.notEqual(dataSourceId, databaseId)
    const source = await bot.dataSources.retrieve({ data_source_id: dataSourceId })
    assert.ok(isFullDataSource(source))
    assert.equal(source.properties.Name.id, "title")
    assert.equal(source.properties.Projects.relation.type, "dual_property")
  },
  "query: every row once, in pages": async () => {
    const rows = await collectPaginatedAPI(bot.dataSources.query, { data_source_id: dataSourceId, page_size: 10 })
    assert.equal(rows.length, 25)
    assert.equal(new Set(rows.map(row => row.id)).size, 25)
    assert.ok(rows.every(isFullPage))
  },
  "query: filters, sorts, chosen properties": async () => {
    const found = await bot.dataSources.query({
      data_source_id: dataSourceId,
      filter: { and: [{ property: "Featured", checkbox: { equals: true } }, { timestamp: "created_time", created_time: { on_or_after: "2020-01-01" } }] },
      sorts: [{ property: "Name", direction: "ascending" }],
      filter_properties: ["title"],
    })
    const names = found.results.map(row => plain(row.properties.Name))
    assert.ok(names.length > 3 && names.length < 25)
    assert.deepEqual(names, [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)))
    assert.deepEqual(Object.keys(found.results[0].properties), ["Name"])
  },
  "query: past the cap, with the client's own helper": async () => {
    await control("seed", { records: { partners: 400 }, seed: 1 })
    await control("options", { row_cap: 150 })
    const capped = await collectPaginatedAPI(bot.dataSources.query, { data_source_id: dataSourceId })
    assert.equal(capped.length, 150)
    const all = await collectAllDataSourceRows(bot, { data_source_id: dataSourceId })
    assert.equal(new Set(all.map(row => row.id)).size, 400)
    await control("options", { row_cap: 10000 })
  },
  "search": async () => {
    const sources = await bot.search({ filter: { property: "object", value: "data_source" } })
    assert.equal(sources.results.length, 4)
    const pages = await bot.search({ query: "kurrajong", filter: { property: "object", value: "page" } })
    assert.equal(plain(pages.results[0].properties.Name), "Kurrajong Yarning Circle")
  },
  "page: create, retrieve, update": async () => {
    const created = await bot.pages.create({
      parent: { type: "data_source_id", data_source_id: dataSourceId },
      properties: {
        Name: title("Made by the official client"),
        Description: { rich_text: [{ text: { content: "bold", link: { url: "https://example.org/" } }, annotations: { bold: true } }] },
        Type: { select: { name: "Community" } },
        "Collaboration Focus": { multi_select: [{ name: "Quite new" }, { name: "Arts" }] },
        Featured: { checkbox: true },
        "Logo URL": { url: "https://example.org/logo.svg" },
        "Established Date": { date: { start: "2026-11-23" } },
      },
    })
    assert.ok(isFullPage(created))
    pageId = created.id
    const page = await bot.pages.retrieve({ page_id: pageId })
    assert.equal(plain(page.properties.Name), "Made by the official client")
    assert.equal(page.properties.Description.rich_text[0].annotations.bold, true)
    assert.equal(page.properties["Established Date"].date.start, "2026-11-23")
    assert.deepEqual(page.properties["Collaboration Focus"].multi_select.map(o => o.name), ["Quite new", "Arts"])
    assert.match(page.last_edited_time, /:00\.000Z$/)
    const updated = await bot.pages.update({ page_id: pageId, properties: { Location: text("Meanjin"), "Established Date": { date: null }, Type: { select: null } } })
    assert.equal(plain(updated.properties.Location), "Meanjin")
    assert.equal(updated.properties["Established Date"].date, null)
    assert.equal(updated.properties.Type.select, null)
    assert.equal(updated.properties.Featured.checkbox, true)
  },
  "page: a person's edit is that person's": async () => {
    const edited = await person.pages.update({ page_id: pageId, properties: { Location: text("Naarm") } })
    assert.equal(edited.last_edited_by.id, (await person.users.me({})).id)
    assert.equal(edited.created_by.id, (await bot.users.me({})).id)
  },
  "page: a relation shows at both ends": async () => {
    const project = (await bot.search({ query: "justicehub", filter: { property: "object", value: "page" } })).results[0]
    await bot.pages.update({ page_id: pageId, properties: { Projects: { relation: [{ id: project.id }] } } })
    const other = await bot.pages.retrieve({ page_id: project.id })
    assert.ok(other.properties.Partners.relation.some(r => r.id === pageId))
  },
  "page: trash and restore": async () => {
    assert.equal((await bot.pages.update({ page_id: pageId, in_trash: true })).in_trash, true)
    const rows = await collectPaginatedAPI(bot.dataSources.query, { data_source_id: dataSourceId })
    assert.ok(!rows.some(row => row.id === pageId))
    await refused(bot.pages.update({ page_id: pageId, properties: { Location: text("x") } }), 400, APIErrorCode.ValidationError, "archived")
    assert.equal((await bot.pages.update({ page_id: pageId, in_trash: false })).in_trash, false)
  },
  "property items: single and in pages": async () => {
    const page = await bot.pages.update({
      page_id: pageId,
      properties: { "Impact Story": { rich_text: Array.from({ length: 12 }, (_, i) => ({ text: { content: `${i} ` } })) } },
    })
    const story = await collectPaginatedAPI(bot.pages.properties.retrieve, {
      page_id: pageId, property_id: page.properties["Impact Story"].id, page_size: 5,
    })
    assert.equal(story.map(item => item.rich_text.plain_text).join(""), "0 1 2 3 4 5 6 7 8 9 10 11 ")
    const url = await bot.pages.properties.retrieve({ page_id: pageId, property_id: page.properties["Logo URL"].id })
    assert.equal(url.object, "property_item")
    assert.equal(url.url, "https://example.org/logo.svg")
  },
  "data source: add, rename and remove a property": async () => {
    const added = await bot.dataSources.update({ data_source_id: dataSourceId, properties: { Score: { number: { format: "percent" } } } })
    assert.equal(added.properties.Score.number.format, "percent")
    const renamed = await bot.dataSources.update({ data_source_id: dataSourceId, properties: { Score: { name: "Mark" } } })
    assert.equal(renamed.properties.Mark.id, added.properties.Score.id)
    const removed = await bot.dataSources.update({ data_source_id: dataSourceId, properties: { Mark: null } })
    assert.ok(!("Mark" in removed.properties))
  },
  "database: created and trashed": async () => {
    const { parent } = await bot.databases.retrieve({ database_id: databaseId })
    const made = await bot.databases.create({
      parent: { type: "page_id", page_id: parent.page_id }, title: [{ text: { content: "Made" } }],
      initial_data_source: { properties: { Title: { title: {} }, Status: { status: {} }, Number: { unique_id: { prefix: "M" } } } },
    })
    const source = await bot.dataSources.retrieve({ data_source_id: made.data_sources[0].id })
    assert.equal(source.properties.Status.status.groups.length, 3)
    assert.equal((await bot.databases.update({ database_id: made.id, in_trash: true })).in_trash, true)
  },
  "errors: what the client makes of them": async () => {
    const nobody = "00000000-0000-4000-8000-000000000000"
    await refused(bot.pages.retrieve({ page_id: nobody }), 404, APIErrorCode.ObjectNotFound, "Could not find page")
    await refused(bot.pages.retrieve({ page_id: "x" }), 400, APIErrorCode.ValidationError, "should be a valid uuid")
    await refused(new Client({ ...options, auth: "nobody" }).users.me({}), 401, APIErrorCode.Unauthorized, "API token is invalid.")
    await refused(bot.request({ path: "nothing", method: "get" }), 400, APIErrorCode.InvalidRequestURL, "Invalid request URL.")
    const update = properties => bot.pages.update({ page_id: pageId, properties })
    await refused(update({ Location: text("x".repeat(2001)) }), 400, APIErrorCode.ValidationError, "length should be ≤ `2000`, instead was `2001`")
    await refused(update({ Nothing: text("x") }), 400, APIErrorCode.ValidationError, "Nothing is not a property that exists.")
    await refused(update({ Type: { select: { name: "a, b" } } }), 400, APIErrorCode.ValidationError, "commas not allowed")
    await refused(update({ "Logo URL": { url: "" } }), 400, APIErrorCode.ValidationError, "length should be ≥ `1`")
    await refused(bot.pages.update({ page_id: pageId, archived: true }), 400, APIErrorCode.ValidationError, "archived should be not present")
    await refused(bot.dataSources.query({ data_source_id: dataSourceId, start_cursor: nobody }), 400, APIErrorCode.ValidationError, "start_cursor")
  },
  "version 2025-09-03: archived": async () => {
    const before = new Client({ ...options, auth: env("NOTION_TOKEN"), notionVersion: "2025-09-03", retry: false })
    const page = await before.pages.update({ page_id: pageId, archived: true })
    assert.deepEqual([page.archived, page.in_trash], [true, true])
    assert.equal((await before.pages.update({ page_id: pageId, archived: false })).archived, false)
  },
  "a rate limit: refused, waited for, retried": async () => {
    await control("options", { budget: 1, budget_window_seconds: 1 })
    await control("stats/reset")
    const patient = new Client({ ...options, auth: env("NOTION_TOKEN"), retry: { maxRetries: 5, initialRetryDelayMs: 1 } })
    for (let i = 0; i < 3; i++) assert.equal((await patient.users.me({})).type, "bot")
    await control("options", { budget: 0 })
    const stats = await (await fetch(`${baseUrl}/_sim/stats`)).json()
    assert.ok(stats.rate_limited >= 1, JSON.stringify(stats))
    await control("options", { budget: 1, budget_window_seconds: 60 })
    await bot.users.me({})
    const limited = await refused(bot.users.me({}), 429, APIErrorCode.RateLimited, "rate limited")
    assert.equal(limited.additional_data.rate_limit_reason, "public_api_request_rate_limit")
    await control("options", { budget: 0 })
  },
  "a fault: 503 is retried for a read and not for a create": async () => {
    const patient = new Client({ ...options, auth: env("NOTION_TOKEN"), retry: { initialRetryDelayMs: 1 } })
    await control("faults", { rules: [{ method: "GET", status: 503, times: 1 }, { method: "POST", route: "/v1/pages", status: 503, when: "after", times: 1 }] })
    assert.equal((await patient.users.me({})).type, "bot")
    const create = patient.pages.create({ parent: { data_source_id: dataSourceId }, properties: { Name: title("Saved all the same") } })
    const error = await refused(create, 503, APIErrorCode.ServiceUnavailable, "unavailable")
    const saved = await bot.pages.retrieve({ page_id: error.additional_data.committed_resource_id })
    assert.equal(plain(saved.properties.Name), "Saved all the same")
  },
  "OAuth: code, refresh, introspect, revoke": async () => {
    const app = { client_id: env("OAUTH_CLIENT_ID"), client_secret: env("OAUTH_CLIENT_SECRET") }
    const redirect_uri = env("OAUTH_REDIRECT_URI")
    const consent = await fetch(`${baseUrl}/v1/oauth/authorize`, {
      method: "POST", redirect: "manual",
      body: new URLSearchParams({ client_id: app.client_id, redirect_uri, state: "s", decision: "allow" }),
    })
    const back = new URL(consent.headers.get("location"))
    assert.equal(back.searchParams.get("state"), "s")
    const first = await bot.oauth.token({ ...app, grant_type: "authorization_code", code: back.searchParams.get("code"), redirect_uri })
    const second = await bot.oauth.token({ ...app, grant_type: "refresh_token", refresh_token: first.refresh_token })
    const connected = new Client({ ...options, auth: second.access_token, retry: false })
    assert.equal((await connected.users.me({})).id, first.bot_id)
    assert.equal((await bot.oauth.introspect({ ...app, token: second.access_token })).active, true)
    assert.equal((await bot.oauth.introspect({ ...app, token: first.access_token })).active, false)
    await bot.oauth.revoke({ ...app, token: second.access_token })
    await refused(connected.users.me({}), 401, APIErrorCode.Unauthorized, "invalid")
    await assert.rejects(bot.oauth.token({ ...app, grant_type: "refresh_token", refresh_token: second.refresh_token }), e => e.status === 400)
    await assert.rejects(bot.oauth.token({ ...app, client_secret: "wrong", grant_type: "refresh_token", refresh_token: "x" }), e => e.status === 401)
  },
  "webhooks: handshake and signature": async () => {
    const came = []
    const server = createServer(async (request, response) => {
      let body = ""
      for await (const chunk of request) body += chunk
      came.push({ body, signature: request.headers["x-notion-signature"] })
      response.end()
    })
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve))
    try {
      await control("options", { webhook_background: false })
      const { verification_token } = await control("webhooks", { url: `http://127.0.0.1:${server.address().port}/` })
      assert.equal(JSON.parse(came[0].body).verification_token, verification_token)
      await person.pages.update({ page_id: pageId, properties: { Location: text("Boorloo") } })
      assert.equal((await control("webhooks/deliver")).delivered, 1)
      const { body, signature } = came[1]
      assert.equal(signature, await signWebhookPayload({ body, verificationToken: verification_token }))
      assert.ok(await verifyWebhookSignature({ body, signature, verificationToken: verification_token }))
      assert.ok(!(await verifyWebhookSignature({ body: body + " ", signature, verificationToken: verification_token })))
      const event = JSON.parse(body)
      assert.deepEqual([event.type, event.entity.id, event.authors[0].type], ["page.properties_updated", pageId, "person"])
      await fetch(`${baseUrl}/_sim/webhooks`, { method: "DELETE" })
    } finally {
      server.close()
    }
  },
}

let failed = 0
await control("options", { budget: 0 })
for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    console.log(`ok    ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}\n${error.stack}`)
  }
}
await control("reset")
console.log(`${Object.keys(checks).length - failed} of ${Object.keys(checks).length} checks hold`)
process.exitCode = failed ? 1 : 0
