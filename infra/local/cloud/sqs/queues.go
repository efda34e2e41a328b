package sqs

import (
	"context"
	"encoding/base64"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

// purgePause is how long a queue that was purged cannot be purged again.
const purgePause = time.Minute

type queueInput struct {
	QueueURL string `json:"QueueUrl"`
}

type queueOutput struct {
	QueueURL string `json:"QueueUrl"`
}

// find gives the queue at a URL; a bare name is accepted too. Only the end of the URL is looked at, since the same queue is
// reached by more than one address of this machine.
func (s *Service) find(scope awsjson.Scope, queueURL string) (*entry, error) {
	if queueURL == "" {
		return nil, missingParameter("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, noSuchQueue()
	}
	folder, name := path.Split(u.Path)
	account := path.Base(folder)
	if folder == "" {
		account = scope.Account
	}
	e := s.queues[address{account: account, region: scope.Region, name: name}]
	if e == nil {
		return nil, noSuchQueue()
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
	if err := checkName(in.QueueName, fifo, in.Attributes[attrFIFO]); err != nil {
		return queueOutput{}, err
	}
	wanted, err := defaultAttributes(fifo).with(in.Attributes)
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
					return queueExists(name)
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
			messages: queue.New(wanted.settings()),
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
		return missingParameter("QueueName")
	case !valid:
		return invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case fifo && !strings.EqualFold(fifoAttribute, "true"):
		return invalidParameter("The queue name can end in .fifo only for a FIFO queue: set the attribute FifoQueue to true.")
	case !fifo && strings.EqualFold(fifoAttribute, "true"):
		return invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, " +
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
		return queueOutput{}, missingParameter("QueueName")
	}
	return queueOutput{QueueURL: a.url(scope.BaseURL)}, s.do(func(time.Time) error {
		if s.queues[a] == nil {
			return noSuchQueue()
		}
		return nil
	})
}

type page struct {
	MaxResults *int
	NextToken  string
}

// cut gives the page's part of urls, which are sorted, and the token of the next page. The token is the last URL of the
// page before, so that a page is right whatever was made or deleted meanwhile.
func (p page) cut(urls []string) ([]string, string, error) {
	size := 1000
	if p.MaxResults != nil {
		if size = *p.MaxResults; size < 1 || size > 1000 {
			return nil, "", invalidValue(size, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	if p.NextToken != "" {
		after, err := base64.StdEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", invalidParameter("Invalid or expired NextToken.")
		}
		i, found := slices.BinarySearch(urls, string(after))
		if found {
			i++
		}
		urls = urls[i:]
	}
	// SQS pages only who asks for pages.
	if p.MaxResults == nil || len(urls) <= size {
		return urls[:min(len(urls), size)], "", nil
	}
	return urls[:size], base64.StdEncoding.EncodeToString([]byte(urls[size-1])), nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	page
}

type listQueuesOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listQueues(_ context.Context, scope awsjson.Scope, in listQueuesInput) (listQueuesOutput, error) {
	var out listQueuesOutput
	err := s.do(func(time.Time) error {
		var urls []string
		for _, e := range s.sorted(scope.Account, scope.Region) {
			if strings.HasPrefix(e.name, in.QueueNamePrefix) {
				urls = append(urls, e.url(scope.BaseURL))
			}
		}
		var err error
		out.QueueURLs, out.NextToken, err = in.cut(urls)
		return err
	})
	return out, err
}

type listSourcesInput struct {
	queueInput
	page
}

type listSourcesOutput struct {
	QueueURLs []string `json:"queueUrls"` // lower-case here alone, as in the service model
	NextToken string   `json:",omitempty"`
}

func (s *Service) listDeadLetterSourceQueues(
	_ context.Context, scope awsjson.Scope, in listSourcesInput,
) (listSourcesOutput, error) {
	out := listSourcesOutput{QueueURLs: []string{}}
	err := s.on(scope, in.QueueURL, func(_ time.Time, target *entry) error {
		urls := []string{}
		for _, e := range s.sorted(scope.Account, scope.Region) {
			if e.Attributes.redrive().Target == target.arn() {
				urls = append(urls, e.url(scope.BaseURL))
			}
		}
		var err error
		out.QueueURLs, out.NextToken, err = in.cut(urls)
		return err
	})
	return out, err
}

func (s *Service) purgeQueue(_ context.Context, scope awsjson.Scope, in queueInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if now.Before(e.Purged.Add(purgePause)) {
			return purging(e.name)
		}
		e.messages.Purge()
		e.Purged = now
		e.touch()
		return nil
	})
}

type setQueueAttributesInput struct {
	queueInput
	Attributes map[string]string
}

func (s *Service) setQueueAttributes(_ context.Context, scope awsjson.Scope, in setQueueAttributesInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if len(in.Attributes) == 0 {
			return missingParameter("Attribute.Name")
		}
		wanted, err := e.Attributes.with(in.Attributes)
		if err != nil {
			return err
		}
		if err := s.checkTarget(e.address, wanted); err != nil {
			return err
		}
		e.Attributes, e.Modified = wanted, now
		e.messages.Configure(wanted.settings())
		e.touch()
		return nil
	})
}

type getQueueAttributesInput struct {
	queueInput
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) getQueueAttributes(
	_ context.Context, scope awsjson.Scope, in getQueueAttributesInput,
) (getQueueAttributesOutput, error) {
	out := getQueueAttributesOutput{Attributes: map[string]string{}}
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		all := e.describe(now)
		for _, name := range in.AttributeNames {
			value, set := all[name]
			switch {
			case name == "All":
				maps.Copy(out.Attributes, all)
			case set:
				out.Attributes[name] = value
			case !isAttribute(name):
				return unknownAttribute(name)
			}
		}
		return nil
	})
	return out, err
}

// describe gives every attribute that the queue has now.
func (e *entry) describe(now time.Time) map[string]string {
	count := e.messages.Count(now)
	all := map[string]string{
		"QueueArn":                              e.arn(),
		"CreatedTimestamp":                      strconv.FormatInt(e.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(e.Modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(count.Visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(count.InFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(count.Delayed),
	}
	maps.Copy(all, e.Attributes)
	return all
}

// isAttribute reports whether queues may have the attribute, set or not.
func isAttribute(name string) bool {
	switch name {
	case attrPolicy, attrRedrive, attrRedriveAllow, attrKMSKey, attrKMSReuse,
		attrFIFO, attrContentDedup, attrDedupScope, attrThroughputLimit:
		return true
	}
	return false
}
