package sqs

import (
	"fmt"
	"net/http"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// The errors of the API reference carry the service's namespace, the older, general ones that of AWS's web framework. Codes
// and status are those of the service model.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html.
const (
	serviceShape = "com.amazonaws.sqs#"
	generalShape = "com.amazon.coral.service#"
	queryPrefix  = "AWS.SimpleQueueService."
)

func invalidParameter(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{
		Type: generalShape + "InvalidParameterValueException", Query: "InvalidParameterValue",
		Message: fmt.Sprintf(format, args...),
	}
}

func invalidValue(value any, parameter, reason string) *awsjson.Error {
	return invalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missingParameter(name string) *awsjson.Error {
	return &awsjson.Error{
		Type: generalShape + "MissingRequiredParameterException", Query: "MissingParameter",
		Message: "The request must contain the parameter " + name + ".",
	}
}

func unsupported(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "UnsupportedOperation", Query: queryPrefix + "UnsupportedOperation", Message: message,
	}
}

func noSuchQueue() *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "QueueDoesNotExist", Query: queryPrefix + "NonExistentQueue",
		Message: "The specified queue does not exist.",
	}
}

func queueExists(attribute string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "QueueNameExists", Query: "QueueAlreadyExists",
		Message: "A queue already exists with the same name and a different value for attribute " + attribute,
	}
}

func unknownAttribute(name string) *awsjson.Error {
	return invalidAttributeName("Unknown Attribute " + name + ".")
}

func invalidAttributeName(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "InvalidAttributeName", Query: "InvalidAttributeName", Message: message,
	}
}

func invalidAttributeValue(name, reason string) *awsjson.Error {
	message := "Invalid value for the parameter " + name + "."
	if reason != "" {
		message += " Reason: " + reason
	}
	return &awsjson.Error{Type: serviceShape + "InvalidAttributeValue", Query: "InvalidAttributeValue", Message: message}
}

func invalidContents(message string) *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "InvalidMessageContents", Query: "InvalidMessageContents", Message: message,
	}
}

func invalidReceipt(handle string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusNotFound, Type: serviceShape + "ReceiptHandleIsInvalid", Query: "ReceiptHandleIsInvalid",
		Message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle),
	}
}

func notInFlight() *awsjson.Error {
	return &awsjson.Error{
		Type: serviceShape + "MessageNotInflight", Query: queryPrefix + "MessageNotInflight",
		Message: "The specified message isn't in flight.",
	}
}

func overLimit(message string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusForbidden, Type: serviceShape + "OverLimit", Query: "OverLimit", Message: message,
	}
}

func purging(name string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusForbidden, Type: serviceShape + "PurgeQueueInProgress",
		Query:   queryPrefix + "PurgeQueueInProgress",
		Message: "Only one PurgeQueue operation on " + name + " is allowed every 60 seconds.",
	}
}

func noSuchResource(message string) *awsjson.Error {
	return &awsjson.Error{
		Status: http.StatusNotFound, Type: serviceShape + "ResourceNotFoundException",
		Query: "ResourceNotFoundException", Message: message,
	}
}

func invalidBatch(shape, message string) *awsjson.Error {
	return &awsjson.Error{Type: serviceShape + shape, Query: queryPrefix + shape, Message: message}
}
