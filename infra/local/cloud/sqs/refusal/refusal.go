// Package refusal makes the errors of SQS: each with the shape, the older code and the status of the service model.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html.
package refusal

import (
	"fmt"
	"net/http"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// The errors of the API reference carry the service's namespace, the older, general ones that of AWS's web framework.
const (
	serviceShape = "com.amazonaws.sqs#"
	generalShape = "com.amazon.coral.service#"
	queryPrefix  = "AWS.SimpleQueueService."
)

// InvalidParameter refuses a parameter.
func InvalidParameter(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{
		Type: generalShape + "InvalidParameterValueException", Query: "InvalidParameterValue",
		Message: fmt.Sprintf(format, args...),
	}
}

// InvalidValue refuses a parameter for its value.
func InvalidValue(value any, parameter, reason string) *awsjson.Error {
	return InvalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

// MissingParameter says which parameter is missing.
func MissingParameter(name string) *awsjson.Error {
	return &awsjson.Error{
		Type: generalShape + "MissingRequiredParameterException", Query: "MissingParameter",
		Message: "The request must contain the parameter " + name + ".",
	}
}

// Unsupported refuses what is not offered.
func Unsupported(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "UnsupportedOperation", Query: queryPrefix + "UnsupportedOperation", Message: message,
	}
}

// NoSuchQueue says that there is no such queue.
func NoSuchQueue() *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "QueueDoesNotExist", Query: queryPrefix + "NonExistentQueue",
		Message: "The specified queue does not exist.",
	}
}

// QueueExists says that a queue of that name has another value for an attribute.
func QueueExists(attribute string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "QueueNameExists", Query: "QueueAlreadyExists",
		Message: "A queue already exists with the same name and a different value for attribute " + attribute,
	}
}

// UnknownAttribute refuses a name that is no attribute of this type of queue.
func UnknownAttribute(name string) *awsjson.Error {
	return InvalidAttributeName("Unknown Attribute " + name + ".")
}

// InvalidAttributeName refuses an attribute for another reason.
func InvalidAttributeName(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "InvalidAttributeName", Query: "InvalidAttributeName", Message: message,
	}
}

// InvalidAttributeValue refuses the value of an attribute; the reason may be empty.
func InvalidAttributeValue(name, reason string) *awsjson.Error {
	message := "Invalid value for the parameter " + name + "."
	if reason != "" {
		message += " Reason: " + reason
	}
	return &awsjson.Error{Type: serviceShape + "InvalidAttributeValue", Query: "InvalidAttributeValue", Message: message}
}

// InvalidContents refuses a message for its text.
func InvalidContents(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "InvalidMessageContents", Query: "InvalidMessageContents", Message: message,
	}
}

// InvalidReceipt refuses a handle that is none, or another queue's.
func InvalidReceipt(handle string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusNotFound, Type: serviceShape + "ReceiptHandleIsInvalid", Query: "ReceiptHandleIsInvalid",
		Message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle),
	}
}

// NotInFlight says that a message is not in flight.
func NotInFlight() *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "MessageNotInflight", Query: queryPrefix + "MessageNotInflight",
		Message: "The specified message isn't in flight.",
	}
}

// OverLimit says that a limit is reached.
func OverLimit(message string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusForbidden, Type: serviceShape + "OverLimit", Query: "OverLimit", Message: message,
	}
}

// Purging says that a queue was purged a short while ago.
func Purging(name string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusForbidden, Type: serviceShape + "PurgeQueueInProgress",
		Query:   queryPrefix + "PurgeQueueInProgress",
		Message: "Only one PurgeQueue operation on " + name + " is allowed every 60 seconds.",
	}
}

// NoSuchResource says that what a move task names is not there.
func NoSuchResource(message string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusNotFound, Type: serviceShape + "ResourceNotFoundException",
		Query: "ResourceNotFoundException", Message: message,
	}
}

// InvalidBatch refuses a whole batch.
func InvalidBatch(shape, message string) *awsjson.Error {
	return &awsjson.Error{Type: serviceShape + shape, Query: queryPrefix + shape, Message: message}
}
