// Command webhooks-notion-token answers GET and DELETE /webhooks/notion/token.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.WebhooksNotionToken()) }
