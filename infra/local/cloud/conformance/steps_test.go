//go:build conformance

package conformance_test

import (
	"fmt"
	"strings"
)

// step is one command of the aws command line.
type step struct {
	name string
	// command is split at spaces; {name} stands for what an earlier step kept, {text} for a text given below.
	command string
	keep    map[string]string // what is kept of the answer, as a path through the JSON, by name
	own     bool              // run by the aws program itself rather than in the long-lived process
}

// texts are arguments with spaces or braces of their own.
func texts() map[string]string {
	return map[string]string{
		"redrive":     `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"{dead-arn}\",\"maxReceiveCount\":1}","VisibilityTimeout":"0"}`,
		"redrive-no":  `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"{dead-arn}x\",\"maxReceiveCount\":1}"}`,
		"redrive-0":   `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"{dead-arn}\"}"}`,
		"attributes":  `{"kind":{"DataType":"String","StringValue":"sync"},"size":{"DataType":"Number","StringValue":"7"},"raw":{"DataType":"Binary","BinaryValue":"AAH/"}}`,
		"empty":       `{"kind":{"DataType":"String","StringValue":""}}`,
		"date":        `{"kind":{"DataType":"Date","StringValue":"x"}}`,
		"batch":       `[{"Id":"a","MessageBody":"one"},{"Id":"b","MessageBody":"two"}]`,
		"batch-late":  `[{"Id":"a","MessageBody":"one"},{"Id":"late","MessageBody":"two","DelaySeconds":901}]`,
		"batch-twice": `[{"Id":"a","MessageBody":"one"},{"Id":"a","MessageBody":"two"}]`,
		"batch-id":    `[{"Id":"a:b","MessageBody":"one"}]`,
		"batch-many":  many(11),
		"batch-fifo":  `[{"Id":"a","MessageBody":"x","MessageGroupId":"h","MessageDeduplicationId":"3"},{"Id":"b","MessageBody":"x","MessageGroupId":"h","MessageDeduplicationId":"3"}]`,
		"batch-group": `[{"Id":"a","MessageBody":"x"}]`,
		"delete":      `[{"Id":"a","ReceiptHandle":"{handle}"},{"Id":"b","ReceiptHandle":"nonsense"}]`,
		"change":      `[{"Id":"a","ReceiptHandle":"{handle}","VisibilityTimeout":60},{"Id":"b","ReceiptHandle":"nonsense","VisibilityTimeout":60}]`,
		"json":        `{"DATABASE_URL":"x y","n":1}`,
		"large":       strings.Repeat("x", 1<<20+1),
		"control":     "a\x01b",
		"token-1":     strings.Repeat("1", 32),
		"token-2":     strings.Repeat("2", 32),
		"token-3":     strings.Repeat("3", 32),
		"token-4":     strings.Repeat("4", 32),
		"pi":          "a text with spaces, ü, 日本 and 🎉",
	}
}

// many is a batch of so many messages.
func many(count int) string {
	var entries []string
	for i := range count {
		entries = append(entries, fmt.Sprintf(`{"Id":"%d","MessageBody":"m"}`, i))
	}
	return "[" + strings.Join(entries, ",") + "]"
}

func sqsSteps() []step {
	return []step{
		{name: "create a queue", command: "sqs create-queue --queue-name q --tags team=act", keep: map[string]string{"q": "QueueUrl"}, own: true},
		{name: "create it again", command: "sqs create-queue --queue-name q"},
		{name: "create it otherwise", command: "sqs create-queue --queue-name q --attributes DelaySeconds=3"},
		{name: "create with a bad name", command: "sqs create-queue --queue-name a/b"},
		{name: "create with a bad value", command: "sqs create-queue --queue-name z --attributes DelaySeconds=901"},
		{name: "create with an unknown attribute", command: "sqs create-queue --queue-name z --attributes Colour=red"},
		{name: "create FIFO without the suffix", command: "sqs create-queue --queue-name z --attributes FifoQueue=true"},
		{name: "create FIFO", command: "sqs create-queue --queue-name q.fifo --attributes FifoQueue=true,ContentBasedDeduplication=true", keep: map[string]string{"f": "QueueUrl"}},
		{name: "create FIFO without deduplication by content", command: "sqs create-queue --queue-name plain.fifo --attributes FifoQueue=true", keep: map[string]string{"plain": "QueueUrl"}},
		{name: "queue URL", command: "sqs get-queue-url --queue-name q"},
		{name: "queue URL of none", command: "sqs get-queue-url --queue-name none", own: true},
		{name: "list", command: "sqs list-queues --queue-name-prefix q"},
		{name: "list by prefix", command: "sqs list-queues --queue-name-prefix q.f"},
		{name: "attributes", command: "sqs get-queue-attributes --queue-url {q} --attribute-names All"},
		{name: "attributes of FIFO", command: "sqs get-queue-attributes --queue-url {f} --attribute-names All"},
		{name: "unknown attribute", command: "sqs get-queue-attributes --queue-url {q} --attribute-names Colour"},
		{name: "set attributes", command: "sqs set-queue-attributes --queue-url {q} --attributes VisibilityTimeout=77,MaximumMessageSize=1048576"},
		{name: "attributes set", command: "sqs get-queue-attributes --queue-url {q} --attribute-names VisibilityTimeout MaximumMessageSize"},
		{name: "set a FIFO attribute on standard", command: "sqs set-queue-attributes --queue-url {q} --attributes ContentBasedDeduplication=true"},
		{name: "tags", command: "sqs list-queue-tags --queue-url {q}"},
		{name: "tag", command: "sqs tag-queue --queue-url {q} --tags stage=dev,empty="},
		{name: "untag", command: "sqs untag-queue --queue-url {q} --tag-keys team"},
		{name: "tags after", command: "sqs list-queue-tags --queue-url {q}"},

		{name: "receive from an empty queue", command: "sqs receive-message --queue-url {q}"},
		{name: "send", command: "sqs send-message --queue-url {q} --message-body {pi} --message-attributes {attributes}", own: true},
		{name: "count", command: "sqs get-queue-attributes --queue-url {q} --attribute-names ApproximateNumberOfMessages"},
		{name: "receive", command: "sqs receive-message --queue-url {q} --attribute-names All --message-attribute-names All", keep: map[string]string{"handle": "Messages.0.ReceiptHandle"}, own: true},
		{name: "receive while it is in flight", command: "sqs receive-message --queue-url {q}"},
		{name: "count in flight", command: "sqs get-queue-attributes --queue-url {q} --attribute-names ApproximateNumberOfMessagesNotVisible"},
		{name: "change visibility", command: "sqs change-message-visibility --queue-url {q} --receipt-handle {handle} --visibility-timeout 60"},
		{name: "change visibility too far", command: "sqs change-message-visibility --queue-url {q} --receipt-handle {handle} --visibility-timeout 43201"},
		{name: "change visibility of nonsense", command: "sqs change-message-visibility --queue-url {q} --receipt-handle nonsense --visibility-timeout 60"},
		{name: "change visibility in a batch", command: "sqs change-message-visibility-batch --queue-url {q} --entries {change}"},
		{name: "give back", command: "sqs change-message-visibility --queue-url {q} --receipt-handle {handle} --visibility-timeout 0"},
		{name: "change visibility when not in flight", command: "sqs change-message-visibility --queue-url {q} --receipt-handle {handle} --visibility-timeout 60"},
		{name: "purge what is there", command: "sqs purge-queue --queue-url {q}"},
		{name: "purge again", command: "sqs purge-queue --queue-url {q}"},
		{name: "receive after the purge", command: "sqs receive-message --queue-url {q}"},

		{name: "create a queue for what is refused", command: "sqs create-queue --queue-name bad", keep: map[string]string{"bad": "QueueUrl"}},
		{name: "send nothing", command: "sqs send-message --queue-url {bad} --message-body {nothing}"},
		{name: "send too much", command: "sqs send-message --queue-url {bad} --message-body {large}"},
		{name: "send a control character", command: "sqs send-message --queue-url {bad} --message-body {control}"},
		{name: "send too late", command: "sqs send-message --queue-url {bad} --message-body x --delay-seconds 901"},
		{name: "send an empty attribute", command: "sqs send-message --queue-url {bad} --message-body x --message-attributes {empty}"},
		{name: "send an attribute of no type", command: "sqs send-message --queue-url {bad} --message-body x --message-attributes {date}"},
		{name: "send with a deduplication id", command: "sqs send-message --queue-url {bad} --message-body x --message-deduplication-id d"},
		{name: "receive too many", command: "sqs receive-message --queue-url {bad} --max-number-of-messages 11"},
		{name: "wait too long", command: "sqs receive-message --queue-url {bad} --wait-time-seconds 21"},
		{name: "send to none", command: "sqs send-message --queue-url {bad}x --message-body x"},

		{name: "send a batch", command: "sqs send-message-batch --queue-url {q} --entries {batch}"},
		{name: "receive a batch", command: "sqs receive-message --queue-url {q} --max-number-of-messages 10", keep: map[string]string{"handle": "Messages.0.ReceiptHandle"}},
		{name: "delete a batch", command: "sqs delete-message-batch --queue-url {q} --entries {delete}"},
		{name: "delete again", command: "sqs delete-message --queue-url {q} --receipt-handle {handle}"},
		{name: "delete nonsense", command: "sqs delete-message --queue-url {q} --receipt-handle nonsense"},
		{name: "send a batch in part", command: "sqs send-message-batch --queue-url {q} --entries {batch-late}"},
		{name: "send a batch with one id twice", command: "sqs send-message-batch --queue-url {bad} --entries {batch-twice}"},
		{name: "send a batch with a bad id", command: "sqs send-message-batch --queue-url {bad} --entries {batch-id}"},
		{name: "send a batch of eleven", command: "sqs send-message-batch --queue-url {bad} --entries {batch-many}"},
		{name: "send no batch", command: "sqs send-message-batch --queue-url {bad} --entries []"},

		{name: "FIFO: send without a group", command: "sqs send-message --queue-url {f} --message-body one"},
		{name: "FIFO: send without a deduplication id", command: "sqs send-message --queue-url {plain} --message-body one --message-group-id g"},
		{name: "FIFO: send with a delay", command: "sqs send-message --queue-url {f} --message-body one --message-group-id g --delay-seconds 5"},
		{name: "FIFO: send, known by its content", command: "sqs send-message --queue-url {f} --message-body one --message-group-id g"},
		{name: "FIFO: send it again", command: "sqs send-message --queue-url {f} --message-body one --message-group-id g"},
		{name: "FIFO: count", command: "sqs get-queue-attributes --queue-url {f} --attribute-names ApproximateNumberOfMessages"},
		{name: "FIFO: send, known by an id", command: "sqs send-message --queue-url {plain} --message-body one --message-group-id g --message-deduplication-id 1"},
		{name: "FIFO: send another under the id", command: "sqs send-message --queue-url {plain} --message-body uno --message-group-id g --message-deduplication-id 1"},
		{name: "FIFO: send the next", command: "sqs send-message --queue-url {plain} --message-body two --message-group-id g --message-deduplication-id 2"},
		{name: "FIFO: send a batch", command: "sqs send-message-batch --queue-url {plain} --entries {batch-fifo}"},
		{name: "FIFO: send a batch without a group", command: "sqs send-message-batch --queue-url {f} --entries {batch-group}"},
		{name: "FIFO: receive", command: "sqs receive-message --queue-url {plain} --attribute-names All", keep: map[string]string{"handle": "Messages.0.ReceiptHandle"}},
		{name: "FIFO: receive from another group", command: "sqs receive-message --queue-url {plain} --max-number-of-messages 10"},
		{name: "FIFO: receive while both are in flight", command: "sqs receive-message --queue-url {plain} --max-number-of-messages 10"},
		{name: "FIFO: count in flight", command: "sqs get-queue-attributes --queue-url {plain} --attribute-names ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible"},
		{name: "FIFO: delete", command: "sqs delete-message --queue-url {plain} --receipt-handle {handle}"},
		{name: "FIFO: receive the next of the group", command: "sqs receive-message --queue-url {plain} --max-number-of-messages 10"},

		{name: "dead letters: their queue", command: "sqs create-queue --queue-name dead", keep: map[string]string{"dead": "QueueUrl"}},
		{name: "dead letters: its ARN", command: "sqs get-queue-attributes --queue-url {dead} --attribute-names QueueArn", keep: map[string]string{"dead-arn": "Attributes.QueueArn"}},
		{name: "dead letters: to none", command: "sqs create-queue --queue-name z --attributes {redrive-no}"},
		{name: "dead letters: half a policy", command: "sqs create-queue --queue-name z --attributes {redrive-0}"},
		{name: "dead letters: their source", command: "sqs create-queue --queue-name source --attributes {redrive}", keep: map[string]string{"source": "QueueUrl"}},
		{name: "dead letters: the policy", command: "sqs get-queue-attributes --queue-url {source} --attribute-names RedrivePolicy"},
		{name: "dead letters: sources", command: "sqs list-dead-letter-source-queues --queue-url {dead}"},
		{name: "dead letters: send", command: "sqs send-message --queue-url {source} --message-body doomed --message-attributes {attributes}"},
		{name: "dead letters: receive once", command: "sqs receive-message --queue-url {source} --attribute-names ApproximateReceiveCount"},
		{name: "dead letters: it dies", command: "sqs receive-message --queue-url {source}"},
		{name: "dead letters: receive it dead", command: "sqs receive-message --queue-url {dead} --attribute-names ApproximateReceiveCount SentTimestamp --message-attribute-names All --visibility-timeout 0"},
		{name: "dead letters: where it died", command: "sqs receive-message --queue-url {dead} --attribute-names DeadLetterQueueSourceArn --visibility-timeout 0"},
		{name: "redrive", command: "sqs start-message-move-task --source-arn {dead-arn}"},
		{name: "redrive: tasks", command: "sqs list-message-move-tasks --source-arn {dead-arn}"},
		{name: "redrive: cancel nonsense", command: "sqs cancel-message-move-task --task-handle nonsense"},

		{name: "delete a queue", command: "sqs delete-queue --queue-url {q}", own: true},
		{name: "delete it again", command: "sqs delete-queue --queue-url {q}"},
		{name: "list after", command: "sqs list-queues --queue-name-prefix q"},
	}
}

func secretSteps() []step {
	return []step{
		{name: "create a secret", command: "secretsmanager create-secret --name act/dev/app --secret-string {json} --description app --tags Key=stage,Value=dev --client-request-token {token-1}", keep: map[string]string{"arn": "ARN", "first": "VersionId"}, own: true},
		{name: "create it again, same token", command: "secretsmanager create-secret --name act/dev/app --secret-string {json} --client-request-token {token-1}"},
		{name: "create it again, another value", command: "secretsmanager create-secret --name act/dev/app --secret-string other"},
		{name: "create a secret with a bad name", command: "secretsmanager create-secret --name a*b --secret-string x"},
		{name: "create with no value", command: "secretsmanager create-secret --name empty"},
		{name: "create with a key of KMS", command: "secretsmanager create-secret --name keyed --secret-string x --kms-key-id k"},
		{name: "read by name", command: "secretsmanager get-secret-value --secret-id act/dev/app", own: true},
		{name: "read by ARN", command: "secretsmanager get-secret-value --secret-id {arn}"},
		{name: "read none", command: "secretsmanager get-secret-value --secret-id none", own: true},
		{name: "read one without a value", command: "secretsmanager get-secret-value --secret-id empty"},
		{name: "describe", command: "secretsmanager describe-secret --secret-id act/dev/app"},
		{name: "describe none", command: "secretsmanager describe-secret --secret-id none"},
		{name: "put a value", command: "secretsmanager put-secret-value --secret-id act/dev/app --secret-string two --client-request-token {token-2}"},
		{name: "put it again", command: "secretsmanager put-secret-value --secret-id act/dev/app --secret-string two --client-request-token {token-2}"},
		{name: "put another under its token", command: "secretsmanager put-secret-value --secret-id act/dev/app --secret-string three --client-request-token {token-2}"},
		{name: "put nothing", command: "secretsmanager put-secret-value --secret-id act/dev/app"},
		{name: "put into none", command: "secretsmanager put-secret-value --secret-id none --secret-string x"},
		{name: "read the previous", command: "secretsmanager get-secret-value --secret-id act/dev/app --version-stage AWSPREVIOUS"},
		{name: "read a version", command: "secretsmanager get-secret-value --secret-id act/dev/app --version-id {first}"},
		{name: "read a version by another's label", command: "secretsmanager get-secret-value --secret-id act/dev/app --version-id {first} --version-stage AWSCURRENT"},
		{name: "read a label of none", command: "secretsmanager get-secret-value --secret-id act/dev/app --version-stage AWSPENDING"},
		{name: "put one that is pending", command: "secretsmanager put-secret-value --secret-id act/dev/app --secret-string three --version-stages AWSPENDING --client-request-token {token-3}"},
		{name: "it becomes current", command: "secretsmanager update-secret-version-stage --secret-id act/dev/app --version-stage AWSCURRENT --move-to-version-id {token-3} --remove-from-version-id {token-2}"},
		{name: "read the current", command: "secretsmanager get-secret-value --secret-id act/dev/app"},
		{name: "move a label from the wrong one", command: "secretsmanager update-secret-version-stage --secret-id act/dev/app --version-stage AWSCURRENT --move-to-version-id {token-2} --remove-from-version-id {token-1}"},
		{name: "update", command: "secretsmanager update-secret --secret-id act/dev/app --description new --secret-string four --client-request-token {token-4}"},
		{name: "update none", command: "secretsmanager update-secret --secret-id none --description x"},
		{name: "versions", command: "secretsmanager list-secret-version-ids --secret-id act/dev/app"},
		{name: "tag a secret", command: "secretsmanager tag-resource --secret-id act/dev/app --tags Key=team,Value=act"},
		{name: "untag a secret", command: "secretsmanager untag-resource --secret-id act/dev/app --tag-keys stage"},
		{name: "describe after", command: "secretsmanager describe-secret --secret-id act/dev/app"},
		{name: "list secrets", command: "secretsmanager list-secrets --filters Key=name,Values=act/"},
		{name: "list secrets by another's tag", command: "secretsmanager list-secrets --filters Key=tag-value,Values=none"},
		{name: "read a batch", command: "secretsmanager batch-get-secret-value --secret-id-list act/dev/app none"},
		{name: "delete in three days", command: "secretsmanager delete-secret --secret-id act/dev/app --recovery-window-in-days 3"},
		{name: "delete", command: "secretsmanager delete-secret --secret-id act/dev/app --recovery-window-in-days 7"},
		{name: "delete a marked one", command: "secretsmanager delete-secret --secret-id act/dev/app"},
		{name: "read a marked one", command: "secretsmanager get-secret-value --secret-id act/dev/app"},
		{name: "create one to mark", command: "secretsmanager create-secret --name marked --secret-string x"},
		{name: "mark it", command: "secretsmanager delete-secret --secret-id marked"},
		{name: "put into a marked one", command: "secretsmanager put-secret-value --secret-id marked --secret-string x"},
		{name: "describe a marked one", command: "secretsmanager describe-secret --secret-id act/dev/app"},
		{name: "create over a marked one", command: "secretsmanager create-secret --name act/dev/app --secret-string x"},
		{name: "list without marked ones", command: "secretsmanager list-secrets --filters Key=name,Values=act/"},
		{name: "list with marked ones", command: "secretsmanager list-secrets --include-planned-deletion --filters Key=name,Values=act/"},
		{name: "restore", command: "secretsmanager restore-secret --secret-id act/dev/app", own: true},
		{name: "read the restored", command: "secretsmanager get-secret-value --secret-id act/dev/app"},
		{name: "delete at once", command: "secretsmanager delete-secret --secret-id act/dev/app --force-delete-without-recovery"},
		{name: "read the deleted", command: "secretsmanager get-secret-value --secret-id act/dev/app"},
		{name: "delete none at once", command: "secretsmanager delete-secret --secret-id none --force-delete-without-recovery"},
		{name: "delete none", command: "secretsmanager delete-secret --secret-id none"},
		{name: "restore none", command: "secretsmanager restore-secret --secret-id none"},
	}
}
