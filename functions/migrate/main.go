// Command migrate brings the database up to the newest schema.
package main

import (
	"github.com/act-platform/enhanced-integration/infra/migrations"
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Resource(app.Migrate(migrations.Apply, migrations.Newest())) }
