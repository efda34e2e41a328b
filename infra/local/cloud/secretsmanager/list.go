package secretsmanager

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// description is what Secrets Manager says of a secret beside its value.
type description struct {
	ARN              string
	Name             string
	Description      string `json:",omitempty"`
	CreatedDate      epoch
	LastChangedDate  epoch
	LastAccessedDate epoch `json:",omitzero"`
	DeletedDate      epoch `json:",omitzero"`
	Tags             []tag `json:",omitempty"`
}

func (s *secret) describe() description {
	return description{
		ARN: s.ARN, Name: s.Name, Description: s.Description, CreatedDate: epoch(s.Created), LastChangedDate: epoch(s.Changed),
		LastAccessedDate: epoch(s.Accessed), DeletedDate: epoch(s.DeletedAt), Tags: s.Tags,
	}
}

type describeSecretOutput struct {
	description
	VersionIDsToStages map[string][]string `json:"VersionIdsToStages,omitempty"`
}

// describeSecret describes a secret, one that is marked for deletion too.
func (s *Service) describeSecret(_ context.Context, scope awsjson.Scope, in secretInput) (describeSecretOutput, error) {
	var out describeSecretOutput
	err := s.do(func(time.Time) error {
		_, found, err := s.find(scope, in.SecretID)
		if err != nil {
			return err
		}
		out = describeSecretOutput{description: found.describe(), VersionIDsToStages: found.stages()}
		return nil
	})
	return out, err
}

// page asks for a part of a list.
type page struct {
	MaxResults *int
	NextToken  string
}

// cut returns the page's part of all, which has a fixed order, and the token of the next page: the name of the page's last.
func cut[T any](p page, most int, all []T, name func(T) string) ([]T, string, error) {
	size := most
	if p.MaxResults != nil {
		if size = *p.MaxResults; size < 1 || size > most {
			return nil, "", validation("MaxResults must be between 1 and %d.", most)
		}
	}
	if p.NextToken != "" {
		after, err := base64.StdEncoding.DecodeString(p.NextToken)
		i := slices.IndexFunc(all, func(item T) bool { return name(item) == string(after) })
		if err != nil || i < 0 {
			return nil, "", invalidNextToken()
		}
		all = all[i+1:]
	}
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], base64.StdEncoding.EncodeToString([]byte(name(all[size-1]))), nil
}

type listSecretsInput struct {
	page
	Filters                []filter
	SortOrder              string
	IncludePlannedDeletion bool
}

type listedSecret struct {
	description
	SecretVersionsToStages map[string][]string `json:",omitempty"`
}

type listSecretsOutput struct {
	SecretList []listedSecret
	NextToken  string `json:",omitempty"`
}

// listSecrets lists secrets by the time at which they were made, the oldest first unless asked otherwise.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html.
func (s *Service) listSecrets(_ context.Context, scope awsjson.Scope, in listSecretsInput) (listSecretsOutput, error) {
	out := listSecretsOutput{SecretList: []listedSecret{}}
	if in.SortOrder != "" && in.SortOrder != "asc" && in.SortOrder != "desc" {
		return out, validation("SortOrder must be asc or desc.")
	}
	if err := checkFilters(in.Filters); err != nil {
		return out, err
	}
	err := s.do(func(time.Time) error {
		all := slices.DeleteFunc(s.sorted(scope), func(s *secret) bool {
			return s.deleted() && !in.IncludePlannedDeletion || !matches(in.Filters, s)
		})
		if in.SortOrder == "desc" {
			slices.Reverse(all)
		}
		found, next, err := cut(in.page, 100, all, func(s *secret) string { return s.Name })
		for _, s := range found {
			out.SecretList = append(out.SecretList, listedSecret{s.describe(), s.stages()})
		}
		out.NextToken = next
		return err
	})
	return out, err
}

type listVersionsInput struct {
	secretInput
	page
	IncludeDeprecated bool
}

type listedVersion struct {
	VersionID        string   `json:"VersionId"`
	VersionStages    []string `json:",omitempty"`
	CreatedDate      epoch
	LastAccessedDate epoch    `json:",omitzero"`
	KmsKeyIDs        []string `json:"KmsKeyIds"`
}

type listVersionsOutput struct {
	ARN       string
	Name      string
	Versions  []listedVersion
	NextToken string `json:",omitempty"`
}

// listSecretVersionIDs lists the versions that have a label, or all of them, the oldest first.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html.
func (s *Service) listSecretVersionIDs(_ context.Context, scope awsjson.Scope, in listVersionsInput) (listVersionsOutput, error) {
	out := listVersionsOutput{Versions: []listedVersion{}}
	err := s.do(func(time.Time) error {
		_, found, err := s.find(scope, in.SecretID)
		if err != nil {
			return err
		}
		out.ARN, out.Name = found.ARN, found.Name
		all := slices.Clone(found.Versions)
		if !in.IncludeDeprecated {
			all = slices.DeleteFunc(all, func(v *version) bool { return len(v.Stages) == 0 })
		}
		versions, next, err := cut(in.page, 100, all, func(v *version) string { return v.ID })
		for _, v := range versions {
			out.Versions = append(out.Versions, listedVersion{
				VersionID: v.ID, VersionStages: v.Stages, CreatedDate: epoch(v.Created), LastAccessedDate: epoch(v.Accessed),
				KmsKeyIDs: []string{"DefaultEncryptionKey"},
			})
		}
		out.NextToken = next
		return err
	})
	return out, err
}

type batchGetInput struct {
	page
	SecretIDList []string `json:"SecretIdList"`
	Filters      []filter
}

type batchGetOutput struct {
	SecretValues []secretValue
	Errors       []batchError
	NextToken    string `json:",omitempty"`
}

type batchError struct {
	SecretID  string `json:"SecretId"`
	ErrorCode string
	Message   string
}

// batchGetSecretValue reads the current values of the secrets that are named, or of those that the filters find. One that
// cannot be read is told among the errors.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html.
func (s *Service) batchGetSecretValue(_ context.Context, scope awsjson.Scope, in batchGetInput) (batchGetOutput, error) {
	out := batchGetOutput{SecretValues: []secretValue{}, Errors: []batchError{}}
	if (len(in.SecretIDList) == 0) == (len(in.Filters) == 0) {
		return out, invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	}
	if len(in.SecretIDList) > 20 {
		return out, validation("SecretIdList must have length less than or equal to 20.")
	}
	if len(in.SecretIDList) > 0 && (in.MaxResults != nil || in.NextToken != "") {
		return out, invalidParameter("'SecretIdList' can't be combined with 'MaxResults' or 'NextToken'.")
	}
	if err := checkFilters(in.Filters); err != nil {
		return out, err
	}
	err := s.do(func(now time.Time) error {
		ids := in.SecretIDList
		if len(ids) == 0 {
			var all []string
			for _, found := range s.sorted(scope) {
				if !found.deleted() && matches(in.Filters, found) {
					all = append(all, found.Name)
				}
			}
			var err error
			if ids, out.NextToken, err = cut(in.page, 20, all, func(name string) string { return name }); err != nil {
				return err
			}
		}
		return s.readEach(now, scope, ids, &out)
	})
	return out, err
}

func (s *Service) readEach(now time.Time, scope awsjson.Scope, ids []string, out *batchGetOutput) error {
	for _, id := range ids {
		a, found, err := s.live(scope, id)
		var v *version
		if err == nil {
			v, err = found.choose("", "")
		}
		if refusal, ok := errors.AsType[*awsjson.Error](err); ok {
			out.Errors = append(out.Errors, batchError{SecretID: id, ErrorCode: refusal.Type, Message: refusal.Message})
			continue
		}
		out.SecretValues = append(out.SecretValues, found.read(v))
		if err := s.access(a, found, v, now); err != nil {
			return err
		}
	}
	return nil
}
