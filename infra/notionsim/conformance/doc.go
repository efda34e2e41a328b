// Package conformance has Notion's official client, pinned by package-lock.json, drive the simulator: its test has the build
// tag conformance and needs Node.js. The script also runs by itself against any simulator; see check.mjs.
package conformance
