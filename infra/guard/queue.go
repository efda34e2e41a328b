package guard

import "slices"

const (
	deadSeconds = 14 * 24 * 60 * 60 // the most that SQS keeps a message
	leastTries  = 5
)

// encrypted: messages are encrypted where they lie.
func encrypted(t Template, id string) []string {
	p := t.Resources[id].Properties
	return finding(p["SqsManagedSseEnabled"] == true || p["KmsMasterKeyId"] != nil, "needs SqsManagedSseEnabled: true")
}

// overTLS: a queue refuses calls that are not encrypted.
func overTLS(t Template, id string) []string {
	for _, p := range t.of(policy) {
		properties := t.Resources[p].Properties
		named := slices.ContainsFunc(list(properties["Queues"]), func(q any) bool { return target(q) == id })
		if named && slices.ContainsFunc(list(child(properties, "PolicyDocument")["Statement"]), refusesPlaintext) {
			return nil
		}
	}
	return []string{"is not in the QueuePolicy that refuses calls without TLS"}
}

func refusesPlaintext(statement any) bool {
	s := child(statement)
	return s["Effect"] == "Deny" && child(s, "Condition", "Bool")["aws:SecureTransport"] == "false"
}

// deadLetters: what fails again and again goes aside, and stays as long as SQS can keep it.
func deadLetters(t Template, id string) (findings []string) {
	p := t.Resources[id].Properties
	redrive := child(p, "RedrivePolicy")
	if redrive == nil {
		return finding(number(p["MessageRetentionPeriod"]) == deadSeconds, "keeps what failed and needs MessageRetentionPeriod: %d", deadSeconds)
	}
	dead := target(redrive["deadLetterTargetArn"])
	if t.Resources[dead].Type != queue {
		return []string{"its dead-letter queue is none of the template"}
	}
	findings = finding(number(redrive["maxReceiveCount"]) >= leastTries, "needs a maxReceiveCount of at least %d", leastTries)
	return append(findings, finding(p["FifoQueue"] == t.Resources[dead].Properties["FifoQueue"], "is FIFO and %s is not, or the other way round", dead)...)
}

// watched: somebody is told of a dead letter.
func watched(t Template, id string) []string {
	p := t.Resources[id].Properties
	if p["RedrivePolicy"] != nil {
		return nil
	}
	for _, a := range t.of(alarm) {
		properties := t.Resources[a].Properties
		for _, d := range list(properties["Dimensions"]) {
			if target(child(d)["Value"]) == id && properties["MetricName"] == "ApproximateNumberOfMessagesVisible" {
				return nil
			}
		}
	}
	return []string{"keeps what failed and needs an alarm on ApproximateNumberOfMessagesVisible"}
}
