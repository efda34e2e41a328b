package cloud_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func (s *system) secret(t *testing.T, name, value string) string {
	t.Helper()
	out, err := s.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ARN
}

func (s *system) put(t *testing.T, id, value string, stages ...string) string {
	t.Helper()
	out, err := s.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: &id, SecretString: &value, VersionStages: stages,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.VersionId
}

func (s *system) get(t *testing.T, id, stage string) string {
	t.Helper()
	in := &secretsmanager.GetSecretValueInput{SecretId: &id}
	if stage != "" {
		in.VersionStage = &stage
	}
	out, err := s.secrets.GetSecretValue(t.Context(), in)
	if err != nil {
		return code(err)
	}
	return aws.ToString(out.SecretString)
}

func (s *system) stages(t *testing.T, id string) string {
	t.Helper()
	described, err := s.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for version, labels := range described.VersionIdsToStages {
		out, err := s.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id, VersionId: &version})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *out.SecretString+"="+strings.Join(labels, ","))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSecretIsFound(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	full := s.secret(t, "act/dev/app", "value")
	hyphen := s.secret(t, "app-a1b2c3", "hyphen")
	if !regexp.MustCompile(`^arn:aws:secretsmanager:eu-west-1:000000000000:secret:act/dev/app-[A-Za-z]{6}$`).MatchString(full) {
		t.Fatal(full)
	}
	prefix := full[:len(full)-len("act/dev/app-XXXXXX")]
	cases := map[string]struct{ id, want string }{
		"by name":                           {"act/dev/app", "value"},
		"by ARN":                            {full, "value"},
		"by ARN without suffix":             {strings.TrimSuffix(full, full[len(full)-7:]), "value"},
		"by part of the name":               {"act/dev", "ResourceNotFoundException"},
		"by ARN with part of the suffix":    {full[:len(full)-1], "ResourceNotFoundException"},
		"by ARN with another suffix":        {prefix + "act/dev/app-AAAAAA", "ResourceNotFoundException"},
		"by ARN of another region":          {strings.Replace(full, "eu-west-1", "eu-west-2", 1), "ResourceNotFoundException"},
		"by ARN of another account":         {strings.Replace(full, cloud.Account, "123456789012", 1), "ResourceNotFoundException"},
		"by ARN of another service":         {"arn:aws:sqs:eu-west-1:000000000000:q", "ResourceNotFoundException"},
		"a name like an ARN's end, by name": {"app-a1b2c3", "hyphen"},
		"a name like an ARN's end, by ARN":  {hyphen, "hyphen"},
		"a name like an ARN's end, by part": {prefix + "app-a1b2c3", "ResourceNotFoundException"},
		"by nothing":                        {"", "ValidationException"},
		"by far too much":                   {strings.Repeat("x", 2049), "ValidationException"},
	}
	for name, c := range cases {
		if got := s.get(t, c.id, ""); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCreateSecret(t *testing.T) {
	t.Parallel()
	token, other := strings.Repeat("a", 32), strings.Repeat("b", 32)
	tags := make([]types.Tag, 51)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(strconv.Itoa(i)), Value: aws.String("")}
	}
	create := func(name, value string) secretsmanager.CreateSecretInput {
		return secretsmanager.CreateSecretInput{Name: &name, SecretString: &value, ClientRequestToken: &token}
	}
	with := func(change func(*secretsmanager.CreateSecretInput)) secretsmanager.CreateSecretInput {
		in := create("new", "v")
		change(&in)
		return in
	}
	type input = secretsmanager.CreateSecretInput
	cases := map[string]struct {
		in   input
		want string
	}{
		"with a value":           {create("new", "v"), ""},
		"without one":            {with(func(in *input) { in.SecretString = nil }), ""},
		"with bytes":             {with(func(in *input) { in.SecretString, in.SecretBinary = nil, []byte{0} }), ""},
		"with both":              {with(func(in *input) { in.SecretBinary = []byte{0} }), "InvalidParameterException"},
		"with an empty value":    {create("new", ""), "ValidationException"},
		"with the largest value": {create("new", strings.Repeat("x", 65536)), ""},
		"with a larger value":    {create("new", strings.Repeat("x", 65537)), "ValidationException"},
		"again, same token":      {create("old", "value"), ""},
		"again, other value":     {create("old", "other"), "ResourceExistsException"},
		"again, other token": {with(func(in *input) {
			in.Name, in.SecretString, in.ClientRequestToken = aws.String("old"), aws.String("value"), &other
		}), "ResourceExistsException"},
		"again, marked for deletion": {create("marked", "v"), "InvalidRequestException"},
		"no name":                    {create("", "v"), "ValidationException"},
		"all that names may hold":    {create("Valid/_+=.@!-Name", "v"), ""},
		"a name with a space":        {create("a b", "v"), "ValidationException"},
		"a long name":                {create(strings.Repeat("x", 513), "v"), "ValidationException"},
		"a short token":              {with(func(in *input) { in.ClientRequestToken = aws.String("short") }), "InvalidParameterException"},
		"a long description":         {with(func(in *input) { in.Description = aws.String(strings.Repeat("x", 2049)) }), "ValidationException"},
		"many tags":                  {with(func(in *input) { in.Tags = tags }), "ValidationException"},
		"a key of KMS":               {with(func(in *input) { in.KmsKeyId = aws.String("k") }), "InvalidRequestException"},
		"replicas":                   {with(func(in *input) { in.AddReplicaRegions = []types.ReplicaRegionType{{Region: aws.String("eu-west-2")}} }), "InvalidRequestException"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, cloud.Config{})
			old := create("old", "value")
			if _, err := s.secrets.CreateSecret(t.Context(), &old); err != nil {
				t.Fatal(err)
			}
			s.secret(t, "marked", "v")
			if _, err := s.secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("marked")}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.secrets.CreateSecret(t.Context(), &c.in); code(err) != c.want {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
	s := start(t, cloud.Config{})
	status, answer := s.post(t, "secretsmanager.CreateSecret", `{"Name":"x","SecretString":"y"}`)
	if status != 400 || !strings.Contains(answer, "ClientRequestToken") {
		t.Fatal(status, answer)
	}
}

func TestSecretBytes(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	_, err := s.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretBinary: []byte{0, 1, 255}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("s")})
	if err != nil || string(got.SecretBinary) != "\x00\x01\xff" || got.SecretString != nil || !got.CreatedDate.Equal(s.clock.Now()) {
		t.Fatalf("%+v, %v", got, err)
	}
}
