// Command webhooks-notion answers POST /webhooks/notion.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.WebhooksNotion()) }
