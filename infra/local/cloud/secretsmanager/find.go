package secretsmanager

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

const suffixLength = 6

// find returns the secret that id names: a name, an ARN, or an ARN without its suffix. A name that itself ends in a hyphen and
// six characters cannot be told by its ARN without suffix, as the documentation warns.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen.
func (s *Service) find(scope awsjson.Scope, id string) (address, *secret, error) {
	if id == "" || len(id) > 2048 {
		return address{}, nil, validation("SecretId must have length between 1 and 2048.")
	}
	a := address{account: scope.Account, region: scope.Region, name: id}
	var suffix string
	if strings.HasPrefix(id, "arn:") {
		named, end, err := parseARN(id)
		if err != nil || named.account != scope.Account || named.region != scope.Region {
			return a, nil, noSuchSecret()
		}
		a, suffix = named, end
	}
	found := s.secrets[a]
	if found == nil || suffix != "" && found.ARN != a.arn(suffix) {
		return a, nil, noSuchSecret()
	}
	return a, found, nil
}

// live returns the secret that id names unless it is marked for deletion.
func (s *Service) live(scope awsjson.Scope, id string) (address, *secret, error) {
	a, found, err := s.find(scope, id)
	if err == nil && found.deleted() {
		return a, nil, invalidRequest(
			"You can't perform this operation on the secret because it was marked for deletion.")
	}
	return a, found, err
}

// parseARN takes an ARN apart; the suffix is empty where the name does not end as a suffix does.
func parseARN(arn string) (a address, suffix string, err error) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) != 7 || parts[2] != "secretsmanager" || parts[5] != "secret" || slices.Contains(parts[3:], "") {
		return address{}, "", invalidParameter("Invalid ARN: %s", arn)
	}
	a = address{region: parts[3], account: parts[4], name: parts[6]}
	if i := len(a.name) - suffixLength - 1; i > 0 && a.name[i] == '-' && strings.IndexFunc(a.name[i+1:], notAlphanumeric) < 0 {
		a.name, suffix = a.name[:i], a.name[i+1:]
	}
	return a, suffix, nil
}

func notAlphanumeric(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// suffix makes the six letters that end an ARN, so that a secret made anew under an old name has another ARN.
func suffix(id string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(id))
	out := make([]byte, suffixLength)
	for i := range out {
		out[i] = letters[int(sum[i])%len(letters)]
	}
	return string(out)
}

func checkName(name string) error {
	if name == "" || len(name) > 512 {
		return validation("Name must have length between 1 and 512.")
	}
	special := func(r rune) bool { return notAlphanumeric(r) && !strings.ContainsRune("/_+=.@-!", r) }
	if strings.IndexFunc(name, special) >= 0 {
		return validation("Invalid name. Must be a valid name containing alphanumeric characters, " +
			"or any of the following: -/_+=.@!")
	}
	return nil
}
