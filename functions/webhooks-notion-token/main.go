// Command webhooks-notion-token answers GET and DELETE /webhooks/notion/token.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.WebhooksNotionToken()) }
