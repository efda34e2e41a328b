package secretsmanager

import (
	"fmt"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

func invalidParameter(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "InvalidParameterException", Message: fmt.Sprintf(format, args...)}
}

func invalidRequest(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "InvalidRequestException", Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func noSuchSecret() *awsjson.Error {
	return notFound("Secrets Manager can't find the specified secret.")
}

func exists(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "ResourceExistsException", Message: fmt.Sprintf(format, args...)}
}

func invalidNextToken() *awsjson.Error {
	return &awsjson.Error{Type: "InvalidNextTokenException", Message: "The NextToken value is invalid."}
}

func validation(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func limitExceeded(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "LimitExceededException", Message: fmt.Sprintf(format, args...)}
}

// NotOffered is the answer to an operation that Secrets Manager has and this service has not.
func NotOffered(operation string) *awsjson.Error {
	return invalidRequest("%s is not offered by the local cloud: it has no rotation, replication or resource policies.", operation)
}
