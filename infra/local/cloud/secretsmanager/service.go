// Package secretsmanager is AWS Secrets Manager on one machine: secrets with versions and staging labels, deletion with a
// recovery window, and what is stored of it. Secrets lie in the state file as they are, readable by its owner alone.
//
// Keys of KMS, rotation, replication and resource policies are not offered, and say so.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html.
package secretsmanager

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// Store is where the service keeps its state. Write makes all changes or none; a nil value removes its key.
type Store interface {
	Each(prefix string, f func(key string, value []byte) error) error
	Write(changes map[string][]byte) error
}

// Config is what the service depends on. All of it is required.
type Config struct {
	Store Store
	Now   func() time.Time
	NewID func() string // of which the end of a secret's ARN is made
}

// Service answers Secrets Manager calls. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu      sync.Mutex
	secrets map[address]*secret
}

// address is what tells secrets apart.
type address struct{ account, region, name string }

func (a address) arn(suffix string) string {
	return "arn:aws:secretsmanager:" + a.region + ":" + a.account + ":secret:" + a.name + "-" + suffix
}

// key is where a secret is stored. Neither account nor region holds a slash; a name may.
func (a address) key() string { return a.account + "/" + a.region + "/" + a.name }

// Open makes the service from what its store holds.
func Open(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, secrets: map[address]*secret{}}
	err := cfg.Store.Each("", func(_ string, value []byte) error {
		stored := new(secret)
		if err := json.Unmarshal(value, stored); err != nil {
			return err
		}
		a, _, err := parseARN(stored.ARN)
		if err != nil {
			return err
		}
		a.name = stored.Name
		s.secrets[a] = stored
		return nil
	})
	return s, err
}

// Operations returns the operations by name.
func (s *Service) Operations() map[string]awsjson.Operation {
	return map[string]awsjson.Operation{
		"BatchGetSecretValue":      awsjson.Typed(s.batchGetSecretValue),
		"CreateSecret":             awsjson.Typed(s.createSecret),
		"DeleteSecret":             awsjson.Typed(s.deleteSecret),
		"DescribeSecret":           awsjson.Typed(s.describeSecret),
		"GetSecretValue":           awsjson.Typed(s.getSecretValue),
		"ListSecretVersionIds":     awsjson.Typed(s.listSecretVersionIDs),
		"ListSecrets":              awsjson.Typed(s.listSecrets),
		"PutSecretValue":           awsjson.Typed(s.putSecretValue),
		"RestoreSecret":            awsjson.Typed(s.restoreSecret),
		"TagResource":              awsjson.Typed(s.tagResource),
		"UntagResource":            awsjson.Typed(s.untagResource),
		"UpdateSecret":             awsjson.Typed(s.updateSecret),
		"UpdateSecretVersionStage": awsjson.Typed(s.updateSecretVersionStage),
	}
}

// do runs f alone, after the secrets whose recovery window has ended are gone.
func (s *Service) do(f func(now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for a, secret := range s.secrets {
		if secret.deleted() && !now.Before(secret.GoneAt) {
			if err := s.remove(a); err != nil {
				return err
			}
		}
	}
	return f(now)
}

// change runs f alone on a copy of the secret that id names, and keeps what f made of it once it is written. It refuses a
// secret that is marked for deletion.
func (s *Service) change(scope awsjson.Scope, id string, f func(now time.Time, changed *secret) error) (secret, error) {
	var changed secret
	err := s.do(func(now time.Time) error {
		a, found, err := s.live(scope, id)
		if err != nil {
			return err
		}
		changed = found.clone()
		if err := f(now, &changed); err != nil {
			return err
		}
		return s.keep(a, changed)
	})
	return changed, err
}

// clone copies all of a secret that may change.
func (s *secret) clone() secret {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	c.Versions = make([]*version, len(s.Versions))
	for i, v := range s.Versions {
		copied := *v
		copied.Stages = slices.Clone(v.Stages)
		c.Versions[i] = &copied
	}
	return c
}

func (s *Service) keep(a address, changed secret) error {
	encoded, err := json.Marshal(&changed)
	if err != nil {
		return err
	}
	if err := s.cfg.Store.Write(map[string][]byte{a.key(): encoded}); err != nil {
		return err
	}
	s.secrets[a] = &changed
	return nil
}

func (s *Service) remove(a address) error {
	if err := s.cfg.Store.Write(map[string][]byte{a.key(): nil}); err != nil {
		return err
	}
	delete(s.secrets, a)
	return nil
}

// sorted returns the secrets of an account and region, the oldest first.
func (s *Service) sorted(scope awsjson.Scope) []*secret {
	var found []*secret
	for a, secret := range s.secrets {
		if a.account == scope.Account && a.region == scope.Region {
			found = append(found, secret)
		}
	}
	slices.SortFunc(found, func(a, b *secret) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	return found
}
