// Command authorizer says who is calling the API.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Authorizer(app.Authorizer()) }
