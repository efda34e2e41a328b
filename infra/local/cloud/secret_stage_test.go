package cloud_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestPutSecretValueIsIdempotentByToken(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	token := strings.Repeat("t", 40)
	put := func(value string) (string, error) {
		out, err := s.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: &id, SecretString: &value, ClientRequestToken: &token,
		})
		if err != nil {
			return "", err
		}
		return *out.VersionId + " " + strings.Join(out.VersionStages, ","), nil
	}
	for range 2 {
		if got, err := put("two"); err != nil || got != token+" AWSCURRENT" {
			t.Fatal(got, err)
		}
	}
	if got := s.stages(t, id); got != "one=AWSPREVIOUS two=AWSCURRENT" {
		t.Fatal(got)
	}
	if _, err := put("three"); code(err) != "ResourceExistsException" {
		t.Fatal(err)
	}
	for name, in := range map[string]*secretsmanager.PutSecretValueInput{
		"nothing":           {SecretId: &id},
		"an empty label":    {SecretId: &id, SecretString: aws.String("x"), VersionStages: []string{""}},
		"too many labels":   {SecretId: &id, SecretString: aws.String("x"), VersionStages: strings.Split(strings.Repeat("x,", 21), ",")},
		"no such secret":    {SecretId: aws.String("none"), SecretString: aws.String("x")},
		"text and bytes":    {SecretId: &id, SecretString: aws.String("x"), SecretBinary: []byte("x")},
		"bytes, but no one": {SecretId: &id, SecretBinary: []byte{}},
	} {
		if _, err := s.secrets.PutSecretValue(t.Context(), in); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if got := s.stages(t, id); got != "one=AWSPREVIOUS two=AWSCURRENT" {
		t.Fatal(got)
	}
}

func TestLabelsMove(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	version := map[string]string{}
	put := func(value string, stages ...string) func() error {
		return func() error { version[value] = s.put(t, id, value, stages...); return nil }
	}
	move := func(stage, from, to string) func() error {
		return func() error {
			in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: &id, VersionStage: &stage}
			if from != "" {
				in.RemoveFromVersionId = aws.String(version[from])
			}
			if to != "" {
				in.MoveToVersionId = aws.String(version[to])
			}
			_, err := s.secrets.UpdateSecretVersionStage(t.Context(), in)
			return err
		}
	}
	described, err := s.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		t.Fatal(err)
	}
	for first := range maps.Keys(described.VersionIdsToStages) {
		version["one"] = first
	}
	version["none"] = strings.Repeat("n", 32)
	steps := []struct {
		name string
		do   func() error
		want string // the labels, or the code that it is refused with
	}{
		{"a value", put("two"), "one=AWSPREVIOUS two=AWSCURRENT"},
		{"another: the first loses its label", put("three"), "three=AWSCURRENT two=AWSPREVIOUS"},
		{"one that is pending", put("four", "AWSPENDING", "mine"), "four=AWSPENDING,mine three=AWSCURRENT two=AWSPREVIOUS"},
		{"it becomes current", move("AWSCURRENT", "three", "four"), "four=AWSCURRENT,AWSPENDING,mine three=AWSPREVIOUS"},
		{"the next is pending", put("five", "AWSPENDING"), "five=AWSPENDING four=AWSCURRENT,mine three=AWSPREVIOUS"},
		{"back to the previous", move("AWSCURRENT", "four", "three"), "five=AWSPENDING four=AWSPREVIOUS,mine three=AWSCURRENT"},
		{"a label goes", move("mine", "four", ""), "five=AWSPENDING four=AWSPREVIOUS three=AWSCURRENT"},
		{"a label without a version before", move("mine", "", "five"), "five=AWSPENDING,mine four=AWSPREVIOUS three=AWSCURRENT"},
		{"where it is already", move("mine", "", "five"), "five=AWSPENDING,mine four=AWSPREVIOUS three=AWSCURRENT"},
		{"to a version without a label", move("AWSCURRENT", "three", "one"), "five=AWSPENDING,mine one=AWSCURRENT three=AWSPREVIOUS"},
		{"without naming who loses it", move("AWSCURRENT", "", "five"), "InvalidParameterException"},
		{"naming the wrong one", move("AWSCURRENT", "three", "five"), "InvalidParameterException"},
		{"to no version", move("AWSCURRENT", "one", "none"), "InvalidParameterException"},
		{"current to nowhere", move("AWSCURRENT", "one", ""), "InvalidParameterException"},
		{"nothing at all", move("mine", "", ""), "InvalidParameterException"},
	}
	for _, step := range steps {
		got := code(step.do())
		if got == "" {
			got = s.stages(t, id)
		}
		if got != step.want {
			t.Fatalf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}

func TestGetSecretValue(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	current := s.put(t, id, "two")
	cases := map[string]struct {
		version, stage *string
		want           string
	}{
		"the current":            {nil, nil, "two"},
		"the previous":           {nil, aws.String("AWSPREVIOUS"), "one"},
		"by version":             {&current, nil, "two"},
		"by version and label":   {&current, aws.String("AWSCURRENT"), "two"},
		"a label of another":     {&current, aws.String("AWSPREVIOUS"), "InvalidRequestException"},
		"a label of none":        {nil, aws.String("AWSPENDING"), "ResourceNotFoundException"},
		"a version that is none": {aws.String(strings.Repeat("x", 32)), nil, "ResourceNotFoundException"},
	}
	for name, c := range cases {
		out, err := s.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{
			SecretId: &id, VersionId: c.version, VersionStage: c.stage,
		})
		got := code(err)
		if err == nil {
			got = *out.SecretString
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	empty, err := s.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("empty")})
	if err != nil || empty.VersionId != nil {
		t.Fatalf("%+v, %v", empty, err)
	}
	if got := s.get(t, "empty", ""); got != "ResourceNotFoundException" {
		t.Fatal(got)
	}
}

func TestUpdateSecret(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	type input = secretsmanager.UpdateSecretInput
	update := func(in input) (*secretsmanager.UpdateSecretOutput, error) {
		in.SecretId = &id
		return s.secrets.UpdateSecret(t.Context(), &in)
	}
	if out, err := update(input{Description: aws.String("described")}); err != nil || out.VersionId != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if out, err := update(input{SecretString: aws.String("two")}); err != nil || out.VersionId == nil {
		t.Fatalf("%+v, %v", out, err)
	}
	described, err := s.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil || *described.Description != "described" || s.stages(t, id) != "one=AWSPREVIOUS two=AWSCURRENT" {
		t.Fatalf("%+v, %v", described, err)
	}
	if _, err := update(input{KmsKeyId: aws.String("k")}); code(err) != "InvalidRequestException" {
		t.Fatal(err)
	}
	if _, err := update(input{Description: aws.String(strings.Repeat("x", 2049))}); code(err) != "ValidationException" {
		t.Fatal(err)
	}
}

func TestListSecretVersionIDs(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	s.put(t, id, "two")
	s.put(t, id, "three")
	for deprecated, want := range map[bool]string{false: "AWSPREVIOUS AWSCURRENT", true: " AWSPREVIOUS AWSCURRENT"} {
		out, err := s.secrets.ListSecretVersionIds(t.Context(), &secretsmanager.ListSecretVersionIdsInput{
			SecretId: &id, IncludeDeprecated: aws.Bool(deprecated),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range out.Versions {
			got = append(got, strings.Join(v.VersionStages, ","))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("deprecated %t: %q", deprecated, got)
		}
	}
}

func TestVersionsAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "first")
	for i := range 99 {
		s.put(t, id, strconv.Itoa(i))
	}
	put := func() string {
		_, err := s.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: aws.String("more")})
		return code(err)
	}
	if got := put(); got != "LimitExceededException" {
		t.Fatal(got)
	}
	s.clock.Advance(24 * time.Hour) // then the oldest versions without a label make room
	if got := put(); got != "" || s.stages(t, id) != "98=AWSPREVIOUS more=AWSCURRENT" {
		t.Fatal(got)
	}
}
