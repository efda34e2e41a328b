package template

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

func (s *scope) readQueue(id string, r resource, path string) (Queue, error) {
	resolved, err := s.resolve(without(&r.Properties, "QueueName", "Tags"), path)
	if err != nil {
		return Queue{}, err
	}
	var properties map[string]yaml.Node
	if err := decode(resolved, path, &properties); err != nil {
		return Queue{}, err
	}
	q := Queue{Attributes: map[string]string{}}
	for _, name := range sortedKeys(properties) {
		node := properties[name]
		if q.Attributes[name], err = queueAttribute(name, &node, path+"."+name); err != nil {
			return q, err
		}
	}
	if q.Attributes["FifoQueue"] == "false" {
		delete(q.Attributes, "FifoQueue") // SQS takes true, or nothing
	}
	if q.Name, err = s.nameOf(id, r, "QueueName"); err != nil {
		return q, err
	}
	if q.URL, err = s.ref(id, &r.Properties, path); err != nil {
		return q, err
	}
	q.ARN = s.arn("sqs", q.Name)
	return q, nil
}

// queueAttribute returns a property as the attribute that SQS knows by the same name.
func queueAttribute(name string, node *yaml.Node, path string) (value string, err error) {
	switch name {
	case "RedrivePolicy":
		var policy struct {
			DeadLetterTargetARN string `yaml:"deadLetterTargetArn" json:"deadLetterTargetArn"`
			MaxReceiveCount     int    `yaml:"maxReceiveCount" json:"maxReceiveCount"`
		}
		if err := decode(node, path, &policy); err != nil {
			return "", err
		}
		return encode(policy)
	case "RedriveAllowPolicy":
		var policy struct {
			RedrivePermission string   `yaml:"redrivePermission" json:"redrivePermission"`
			SourceQueueARNs   []string `yaml:"sourceQueueArns" json:"sourceQueueArns,omitempty"`
		}
		if err := decode(node, path, &policy); err != nil {
			return "", err
		}
		return encode(policy)
	case "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit", "KmsMasterKeyId",
		"KmsDataKeyReusePeriodSeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
		"SqsManagedSseEnabled", "VisibilityTimeout":
		err := decode(node, path, &value)
		return value, err
	}
	return "", fail(node, path, "is not known to the local system")
}

func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

func (s *scope) readSecret(id string, r resource, path string) (Secret, error) {
	resolved, err := s.resolve(without(&r.Properties, "KmsKeyId", "Tags"), path)
	if err != nil {
		return Secret{}, err
	}
	var p struct {
		Name         string
		Description  string
		SecretString string
	}
	p.Name = id
	if err := decode(resolved, path, &p); err != nil {
		return Secret{}, err
	}
	return Secret{ID: id, Name: p.Name, Description: p.Description, Value: p.SecretString}, nil
}
