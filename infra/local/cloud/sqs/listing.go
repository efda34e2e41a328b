package sqs

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

type page struct {
	MaxResults *int
	NextToken  string
}

// cut returns the page's part of urls, which are sorted, and the token of the next page. The token is the last URL of the
// page before, so that a page is right whatever was made or deleted meanwhile.
func (p page) cut(urls []string) ([]string, string, error) {
	size := 1000
	if p.MaxResults != nil {
		if size = *p.MaxResults; size < 1 || size > 1000 {
			return nil, "", refusal.InvalidValue(size, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	if p.NextToken != "" {
		after, err := base64.StdEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", refusal.InvalidParameter("Invalid or expired NextToken.")
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
			if e.Attributes.Redrive().Target == target.arn() {
				urls = append(urls, e.url(scope.BaseURL))
			}
		}
		var err error
		out.QueueURLs, out.NextToken, err = in.cut(urls)
		return err
	})
	return out, err
}
