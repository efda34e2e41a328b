package sqs

import (
	"context"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// purgePause is how long a queue that was purged cannot be purged again.
const purgePause = time.Minute

type queueInput struct {
	QueueURL string `json:"QueueUrl"`
}

type queueOutput struct {
	QueueURL string `json:"QueueUrl"`
}

// find returns the queue at a URL; a bare name is accepted too. Only the end of the URL is looked at, since the same queue is
// reached by more than one address of this machine.
func (s *Service) find(scope awsjson.Scope, queueURL string) (*entry, error) {
	if queueURL == "" {
		return nil, refusal.MissingParameter("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, refusal.NoSuchQueue()
	}
	folder, name := path.Split(u.Path)
	account := path.Base(folder)
	if folder == "" {
		account = scope.Account
	}
	e := s.queues[address{account: account, region: scope.Region, name: name}]
	if e == nil {
		return nil, refusal.NoSuchQueue()
	}
	return e, nil
}

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

// createQueue makes a queue, or gives the one of that name when each attribute that is named has the same value there.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html.
func (s *Service) createQueue(_ context.Context, scope awsjson.Scope, in createQueueInput) (queueOutput, error) {
	a := address{account: scope.Account, region: scope.Region, name: in.QueueName}
	fifo := strings.HasSuffix(in.QueueName, ".fifo")
	if err := checkName(in.QueueName, fifo, in.Attributes[attribute.FIFOQueue]); err != nil {
		return queueOutput{}, err
	}
	wanted, err := attribute.Default(fifo).With(in.Attributes)
	if err != nil {
		return queueOutput{}, err
	}
	if err := checkTags(in.Tags); err != nil {
		return queueOutput{}, err
	}
	err = s.do(func(now time.Time) error {
		if existing := s.queues[a]; existing != nil {
			for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
				if existing.Attributes[name] != wanted[name] {
					return refusal.QueueExists(name)
				}
			}
			return nil
		}
		if err := s.checkTarget(a, wanted); err != nil {
			return err
		}
		s.queues[a] = &entry{
			address:  a,
			record:   record{Created: now, Modified: now, Attributes: wanted, Tags: in.Tags},
			messages: queue.New(wanted.Settings()),
			changed:  make(chan struct{}),
			unsaved:  true,
		}
		return nil
	})
	return queueOutput{QueueURL: a.url(scope.BaseURL)}, err
}

func checkName(name string, fifo bool, fifoAttribute string) error {
	stem := strings.TrimSuffix(name, ".fifo")
	valid := stem != "" && len(name) <= 80 && strings.IndexFunc(stem, func(r rune) bool { return !isWord(r) }) < 0
	switch {
	case name == "":
		return refusal.MissingParameter("QueueName")
	case !valid:
		return refusal.InvalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case fifo && !strings.EqualFold(fifoAttribute, "true"):
		return refusal.InvalidParameter("The queue name can end in .fifo only for a FIFO queue: set the attribute FifoQueue to true.")
	case !fifo && strings.EqualFold(fifoAttribute, "true"):
		return refusal.InvalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, " +
			"must end with .fifo suffix and be 1 to 80 in length.")
	}
	return nil
}

// isWord reports whether r may stand in names and in the ids of batch entries.
func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

type getQueueURLInput struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

func (s *Service) getQueueURL(_ context.Context, scope awsjson.Scope, in getQueueURLInput) (queueOutput, error) {
	a := address{account: scope.Account, region: scope.Region, name: in.QueueName}
	if in.QueueOwnerAWSAccountID != "" {
		a.account = in.QueueOwnerAWSAccountID
	}
	if in.QueueName == "" {
		return queueOutput{}, refusal.MissingParameter("QueueName")
	}
	return queueOutput{QueueURL: a.url(scope.BaseURL)}, s.do(func(time.Time) error {
		if s.queues[a] == nil {
			return refusal.NoSuchQueue()
		}
		return nil
	})
}

func (s *Service) purgeQueue(_ context.Context, scope awsjson.Scope, in queueInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if now.Before(e.Purged.Add(purgePause)) {
			return refusal.Purging(e.name)
		}
		e.messages.Purge()
		e.Purged = now
		e.touch()
		return nil
	})
}

func (s *Service) deleteQueue(_ context.Context, scope awsjson.Scope, in queueInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(_ time.Time, e *entry) error {
		return s.drop(e)
	})
}
