// Package lambda stands between AWS Lambda and the code of this project: one function for each way in which Lambda calls us.
//
// [HTTP] serves an [http.Handler] behind an API Gateway HTTP API, [Queue] takes messages from SQS, [Schedule] and [Task] take an
// event, [Authorizer] decides who may call. Each starts the Lambda loop and does not return; what the first two do with an event
// stands apart, in [Proxy] and [Batch], for tests.
package lambda
