// Package lambdaadapter lets the program's handler and importer run as Lambda
// functions: HTTP payloads and storage events in, replies and outcomes out.
//
// HTTP takes API Gateway payloads of version 2 (HTTP APIs and function URLs)
// and 1 (REST APIs), and answers in whole or, behind a function URL with
// response streaming, as a stream. Imports takes storage events in every shape
// in which S3 sends them. The package reads no object itself; its functions
// need the rights of the stores and the queue that they are given, and of SQS
// event sources sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:GetQueueAttributes.
//
// runtimetest runs real function binaries without a cloud.
package lambdaadapter
