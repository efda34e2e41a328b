package secretsmanager_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// manager answers with a secret or an error; it counts the reads.
type manager struct {
	value string
	err   error
	reads int
}

func (m *manager) GetSecretValue(_ context.Context, in *awssecrets.GetSecretValueInput, _ ...func(*awssecrets.Options)) (*awssecrets.GetSecretValueOutput, error) {
	m.reads++
	if aws.ToString(in.SecretId) != "app" {
		return nil, &types.ResourceNotFoundException{}
	}
	return &awssecrets.GetSecretValueOutput{SecretString: aws.String(m.value)}, m.err
}

func TestApp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m := &manager{value: `{"A":"one"}`}
	app := secretsmanager.NewApp(m, "app", time.Minute, func() time.Time { return now })
	get := func() string {
		t.Helper()
		v, err := app.Get(t.Context(), "A")
		if err != nil {
			t.Fatal(err)
		}
		return v.Reveal()
	}
	first := get()
	if first != "one" || get() != first || m.reads != 1 {
		t.Errorf("read %d times", m.reads)
	}
	m.value = `{"A":"two"}`
	if get() != "one" {
		t.Error("not remembered")
	}
	app.Reread()
	if get() != "one" {
		t.Error("read again at once")
	}
	now = now.Add(10 * time.Second)
	app.Reread()
	if get() != "two" {
		t.Error("not read again when told to")
	}
	m.value = `{"A":"three"}`
	now = now.Add(time.Minute + time.Second)
	if get() != "three" {
		t.Error("not read again in time")
	}
	if v, err := app.Get(t.Context(), "B"); !v.Empty() || err != nil {
		t.Errorf("what is not set: %q, %v", v.Reveal(), err)
	}
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id string
		m  manager
	}{
		"away":              {"app", manager{err: errors.New("no route")}},
		"no such secret":    {"other", manager{}},
		"no JSON":           {"app", manager{value: "hidden"}},
		"no strings":        {"app", manager{value: `{"A":1,"B":"hidden"}`}},
		"nothing in it":     {"app", manager{}},
		"a list":            {"app", manager{value: `["hidden"]`}},
		"a throttle of AWS": {"app", manager{err: &types.InternalServiceError{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := secretsmanager.NewApp(&c.m, c.id, time.Minute, time.Now)
			_, err := app.Get(t.Context(), "A")
			if fault.KindOf(err) != fault.Unavailable || err == nil {
				t.Fatalf("%v", err)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("the secret shows: %v", err)
			}
			if c.m.reads != 1 {
				t.Errorf("read %d times", c.m.reads)
			}
			if _, err := app.Get(t.Context(), "A"); err == nil || c.m.reads != 2 {
				t.Error("a failure is remembered")
			}
		})
	}
}
