package cloud_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestListSecrets(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	create := func(name, description, key, value string) {
		_, err := s.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: &name, Description: &description, SecretString: aws.String("v"), Tags: []types.Tag{{Key: &key, Value: &value}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Second)
	}
	create("act/app", "The application's keys", "stage", "dev")
	create("act/oauth", "Tokens of Notion", "stage", "prod")
	create("other", "another Application", "team", "web")
	create("gone", "", "stage", "dev")
	if _, err := s.secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	filter := func(key types.FilterNameStringType, values ...string) []types.Filter {
		return []types.Filter{{Key: key, Values: values}}
	}
	cases := map[string]struct {
		in   secretsmanager.ListSecretsInput
		want string
	}{
		"all":                  {secretsmanager.ListSecretsInput{}, "act/app act/oauth other"},
		"newest first":         {secretsmanager.ListSecretsInput{SortOrder: types.SortOrderTypeDesc}, "other act/oauth act/app"},
		"those marked too":     {secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)}, "act/app act/oauth other gone"},
		"by name":              {secretsmanager.ListSecretsInput{Filters: filter("name", "act/")}, "act/app act/oauth"},
		"by name, in its case": {secretsmanager.ListSecretsInput{Filters: filter("name", "ACT/")}, ""},
		"by one of two names":  {secretsmanager.ListSecretsInput{Filters: filter("name", "act/a", "oth")}, "act/app other"},
		"by name, not":         {secretsmanager.ListSecretsInput{Filters: filter("name", "!act/")}, "other"},
		"by description":       {secretsmanager.ListSecretsInput{Filters: filter("description", "APPLICATION")}, "act/app other"},
		"by tag key":           {secretsmanager.ListSecretsInput{Filters: filter("tag-key", "team")}, "other"},
		"by tag value":         {secretsmanager.ListSecretsInput{Filters: filter("tag-value", "dev")}, "act/app"},
		"by anything":          {secretsmanager.ListSecretsInput{Filters: filter("all", "notion")}, "act/oauth"},
		"by two filters":       {secretsmanager.ListSecretsInput{Filters: append(filter("name", "act"), filter("tag-value", "prod")...)}, "act/oauth"},
		"by region":            {secretsmanager.ListSecretsInput{Filters: filter("primary-region", "x")}, "InvalidParameterException"},
		"by what is no filter": {secretsmanager.ListSecretsInput{Filters: filter("colour", "x")}, "ValidationException"},
		"by no value":          {secretsmanager.ListSecretsInput{Filters: filter("name")}, "InvalidParameterException"},
		"none a page":          {secretsmanager.ListSecretsInput{MaxResults: aws.Int32(0)}, "ValidationException"},
		"a broken token":       {secretsmanager.ListSecretsInput{NextToken: aws.String("x")}, "InvalidNextTokenException"},
		"in no order":          {secretsmanager.ListSecretsInput{SortOrder: "up"}, "ValidationException"},
	}
	for name, c := range cases {
		var names []string
		out, err := s.secrets.ListSecrets(t.Context(), &c.in)
		if err != nil {
			names = append(names, code(err))
		} else {
			for _, secret := range out.SecretList {
				names = append(names, *secret.Name)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	var names []string
	pages := secretsmanager.NewListSecretsPaginator(s.secrets, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range page.SecretList {
			names = append(names, *secret.Name)
		}
	}
	if got := strings.Join(names, " "); got != "act/app act/oauth other" {
		t.Fatal(got)
	}
}

func TestSecretTags(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "v")
	tags := func(pairs ...string) (all []types.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return all
	}
	ctx := t.Context()
	if _, err := s.secrets.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: &id, Tags: tags("a", "1", "b", "2")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.secrets.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: &id, Tags: tags("a", "3", "c", "4")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.secrets.UntagResource(ctx, &secretsmanager.UntagResourceInput{SecretId: &id, TagKeys: []string{"b", "none"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.secrets.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: &id, Tags: tags("", "x")}); code(err) != "ValidationException" {
		t.Fatal(err)
	}
	described, err := s.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tag := range described.Tags {
		got = append(got, *tag.Key+"="+*tag.Value)
	}
	if strings.Join(got, " ") != "a=3 c=4" {
		t.Fatal(got)
	}
}

func TestBatchGetSecretValue(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	s.secret(t, "a/1", "one")
	s.secret(t, "a/2", "two")
	s.secret(t, "b", "three")
	if _, err := s.secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("b")}); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		in   secretsmanager.BatchGetSecretValueInput
		want string
	}{
		"by name": {
			secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{"a/2", "none", "a/1", "b"}},
			"two one none:ResourceNotFoundException b:InvalidRequestException",
		},
		"by filter": {secretsmanager.BatchGetSecretValueInput{Filters: []types.Filter{{Key: "name", Values: []string{"a/", "b"}}}}, "one two"},
		"by both": {secretsmanager.BatchGetSecretValueInput{
			SecretIdList: []string{"b"}, Filters: []types.Filter{{Key: "name", Values: []string{"a/"}}},
		}, "InvalidParameterException"},
		"by neither":         {secretsmanager.BatchGetSecretValueInput{}, "InvalidParameterException"},
		"too many":           {secretsmanager.BatchGetSecretValueInput{SecretIdList: make([]string, 21)}, "ValidationException"},
		"a page of a list":   {secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{"a/1"}, MaxResults: aws.Int32(1)}, "InvalidParameterException"},
		"a page of a filter": {secretsmanager.BatchGetSecretValueInput{Filters: []types.Filter{{Key: "name", Values: []string{"a/"}}}, MaxResults: aws.Int32(1)}, "one"},
	}
	for name, c := range cases {
		var got []string
		out, err := s.secrets.BatchGetSecretValue(t.Context(), &c.in)
		if err != nil {
			got = append(got, code(err))
		} else {
			for _, value := range out.SecretValues {
				got = append(got, *value.SecretString)
			}
			for _, refused := range out.Errors {
				got = append(got, *refused.SecretId+":"+*refused.ErrorCode)
			}
		}
		if line := strings.Join(got, " "); line != c.want {
			t.Errorf("%s: %s, want %s", name, line, c.want)
		}
	}
}

func TestLastAccessedIsADay(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "v")
	s.get(t, id, "")
	described, err := s.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil || !described.LastAccessedDate.Equal(s.clock.Now().Truncate(24*time.Hour)) {
		t.Fatalf("%+v, %v", described, err)
	}
}
