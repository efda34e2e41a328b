// Command migrate brings the database up to the newest schema.
package main

import (
	"github.com/act-platform/enhanced-integration/infra/migrations"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Resource(wire.Migrate(migrations.Apply, migrations.Newest())) }
