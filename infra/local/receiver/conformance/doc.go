// Package conformance runs what docs/webhooks.md tells subscribers to write, in Go, JavaScript and Python, and sends it webhooks: its test
// has the build tag conformance and needs Node.js and Python.
package conformance
