package secretsmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/secretsmanager"
)

// disk is a store that may be full.
type disk struct{ full bool }

func (*disk) Each(string, func(string, []byte) error) error { return nil }

func (d *disk) Write(map[string][]byte) error {
	if d.full {
		return errors.New("the disk is full")
	}
	return nil
}

// TestWhatCouldNotBeWrittenDidNotHappen fills the disk under a secret.
func TestWhatCouldNotBeWrittenDidNotHappen(t *testing.T) {
	t.Parallel()
	d := &disk{}
	s, err := secretsmanager.Open(secretsmanager.Config{Store: d, Now: time.Now, NewID: func() string { return "x" }})
	if err != nil {
		t.Fatal(err)
	}
	call := func(operation, input string) string {
		out, err := s.Operations()[operation](context.Background(), awsjson.Scope{Account: "1", Region: "r"}, []byte(input))
		if err != nil {
			return err.Error()
		}
		encoded, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	call("CreateSecret", `{"Name":"s","SecretString":"one","Tags":[{"Key":"k","Value":"old"}],"ClientRequestToken":"`+first+`"}`)
	call("GetSecretValue", `{"SecretId":"s"}`)
	d.full = true
	for operation, input := range map[string]string{
		"PutSecretValue": `{"SecretId":"s","SecretString":"two","ClientRequestToken":"` + second + `"}`,
		"UpdateSecret":   `{"SecretId":"s","Description":"new"}`,
		"TagResource":    `{"SecretId":"s","Tags":[{"Key":"k","Value":"new"}]}`,
		"DeleteSecret":   `{"SecretId":"s"}`,
	} {
		if got := call(operation, input); got != "the disk is full" {
			t.Errorf("%s: %s", operation, got)
		}
	}
	got := call("GetSecretValue", `{"SecretId":"s"}`)
	described := call("DescribeSecret", `{"SecretId":"s"}`)
	if !strings.Contains(got, `"SecretString":"one"`) || strings.Contains(described, "new") || strings.Contains(described, second) {
		t.Fatal(got, described)
	}
}
