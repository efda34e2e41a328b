package gateway

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

// call calls a function with event and gives its payload. A function that fails is an internal error to the client, one that takes too
// long or may not start is unavailable. It runs on, as on AWS, when the client has hung up.
func (c *Config) call(ctx context.Context, function string, event any) ([]byte, error) {
	encoded, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	result, err := c.Invoker.Invoke(ctx, function, encoded)
	switch {
	case errors.Is(err, lambdahost.ErrTooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, errUnavailable
	case result.Failed:
		return nil, errInternal
	}
	return result.Payload, nil
}
