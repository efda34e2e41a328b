package cloud

import (
	"net/http"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// Throttled is the error by which the service of a target says that it is called too often. The SDKs try again.
func Throttled(target string) error {
	if strings.HasPrefix(target, "AmazonSQS.") {
		return &awsjson.Error{
			Status: http.StatusForbidden, Type: "com.amazonaws.sqs#RequestThrottled", Query: "RequestThrottled",
			Message: "The request was throttled.",
		}
	}
	return &awsjson.Error{Type: "ThrottlingException", Message: "Rate exceeded"}
}

// Unavailable is the error by which a service says that it is away. The SDKs try again.
func Unavailable() error {
	return &awsjson.Error{
		Status: http.StatusServiceUnavailable, Type: "ServiceUnavailable", Query: "ServiceUnavailable",
		Message: "Service is unavailable.",
	}
}
