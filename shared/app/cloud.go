package app

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// cloudLimit is how long an attempt at a call to AWS may take.
const cloudLimit = 5 * time.Second

// cloudConfig is how a function reaches AWS: as Lambda's environment says. The SDK's own config module reads the same variables,
// and a dozen other sources that a function never has; it would make every binary 1.6 MB larger.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func cloudConfig(getenv func(string) string) aws.Config {
	cfg := aws.Config{
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(cloudLimit), // the SDK would wait for ever
		Region:     getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{
				AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    getenv("AWS_SESSION_TOKEN"),
				Source:          "the function's environment",
			}
			if !c.HasKeys() {
				return c, fault.New(fault.Unavailable, "The function has no AWS credentials in its environment.")
			}
			return c, nil
		}),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	return cfg
}
