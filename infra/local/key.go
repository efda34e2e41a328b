package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// keptKey is the system's own API key as it lies on this machine, so that it stays the same.
type keptKey struct {
	Text string
	Key  access.Key
}

// ensureKey returns the system's own API key, from the file or a new one, and has the database know it. Each folder is a client of its own, so that
// any number of folders may share a database. A key that the folder lost is revoked when a new one is made.
func ensureKey(ctx context.Context, databaseURL, file, client string) (string, error) {
	kept, err := readKey(file)
	if err != nil {
		if err := revokeLost(ctx, databaseURL, client); err != nil {
			return "", err
		}
		if kept.Text, kept.Key, err = access.NewKey(client, []access.Scope{access.Admin}, rand.Reader); err != nil {
			return "", err
		}
		content, err := json.Marshal(kept)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", err
		}
	}
	return kept.Text, addKey(ctx, databaseURL, kept.Key)
}

func readKey(file string) (kept keptKey, err error) {
	content, err := os.ReadFile(file) //nolint:gosec // in the folder that is ours
	if err != nil {
		return kept, err
	}
	if err := json.Unmarshal(content, &kept); err != nil {
		return kept, err
	}
	_, err = access.Check(kept.Text, kept.Key)
	return kept, err
}

// revokeLost ends the live keys of a client whose keys are lost.
func revokeLost(ctx context.Context, databaseURL, client string) error {
	return withKeys(ctx, databaseURL, func(keys postgres.Keys) error {
		all, err := keys.List(ctx)
		for _, key := range all {
			if key.Client == client && key.RevokedAt.IsZero() && err == nil {
				err = keys.Revoke(ctx, key.ID)
			}
		}
		return err
	})
}

// addKey has the database know a key.
func addKey(ctx context.Context, databaseURL string, key access.Key) error {
	return withKeys(ctx, databaseURL, func(keys postgres.Keys) error { return keys.Add(ctx, key) })
}

// withKeys does something with the API keys of a database.
func withKeys(ctx context.Context, databaseURL string, do func(postgres.Keys) error) error {
	pool, err := postgres.Open(ctx, secret.Of(databaseURL), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	return do(postgres.Keys{Pool: pool})
}

// manageKeys makes, lists or revokes API keys, in the running system's database or the one that the settings name.
func manageKeys(ctx context.Context, settings settings, arguments []string, stdout io.Writer) error {
	command := "create"
	if len(arguments) > 0 {
		command, arguments = arguments[0], arguments[1:]
	}
	var do func(postgres.Keys) error
	switch {
	case command == "create":
		client, scopes, err := holder(arguments)
		if err != nil {
			return err
		}
		do = func(keys postgres.Keys) error { return createKey(ctx, keys, client, scopes, stdout) }
	case command == "list" && len(arguments) == 0:
		do = func(keys postgres.Keys) error { return listKeys(ctx, keys, stdout) }
	case command == "revoke" && len(arguments) == 1:
		do = func(keys postgres.Keys) error { return revokeKey(ctx, keys, arguments[0], stdout) }
	case command == "list":
		return errors.New(`key list takes nothing more: make key DO=list`)
	case command == "revoke":
		return errors.New(`key revoke needs the id of one key, which make key DO=list shows: make key DO="revoke <id>"`)
	default:
		return fmt.Errorf(`key has no command %q, but create, list and revoke. To create a key for %s: make key DO="create %s read"`, command, command, command)
	}
	url, err := runningDatabase(settings)
	if err != nil {
		return err
	}
	return withKeys(ctx, url, do)
}

// holder returns whom a new key is for and what it lets them do: for the desk, and to read, unless said otherwise.
func holder(arguments []string) (client string, scopes []access.Scope, err error) {
	client, scopes = "desk", []access.Scope{access.Read}
	if len(arguments) > 0 {
		client = arguments[0]
	}
	if len(arguments) > 1 {
		scopes = nil
		for _, name := range arguments[1:] {
			scope := access.Scope(name)
			if !slices.Contains(access.Scopes(), scope) {
				return "", nil, fmt.Errorf("there is no scope %q. The scopes are %s", name, names(access.Scopes()))
			}
			scopes = append(scopes, scope)
		}
	}
	return client, scopes, access.CheckClient(client)
}

// createKey makes a key and prints it: the only time that it is seen.
func createKey(ctx context.Context, keys postgres.Keys, client string, scopes []access.Scope, stdout io.Writer) error {
	text, key, err := access.NewKey(client, scopes, rand.Reader)
	if err != nil {
		return err
	}
	if err := keys.Add(ctx, key); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, text)
	return err
}

func revokeKey(ctx context.Context, keys postgres.Keys, id string, stdout io.Writer) error {
	if err := keys.Revoke(ctx, id); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "The key %s is revoked. It stops working within a minute.\n", id)
	return err
}

func listKeys(ctx context.Context, keys postgres.Keys, stdout io.Writer) error {
	all, err := keys.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tCLIENT\tSCOPES\tCREATED\tLAST USED\tREVOKED") // into a buffer
	for _, k := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Client, names(k.Scopes), minute(k.CreatedAt), minute(k.LastUsedAt), minute(k.RevokedAt))
	}
	return table.Flush()
}

// minute writes a time to the minute, "-" for none.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func runningDatabase(settings settings) (string, error) {
	variables, err := settings.announced()
	if errors.Is(err, fs.ErrNotExist) {
		if url := settings.values[config.DatabaseURL]; url != "" {
			return url, nil
		}
		return "", errors.New("the system is not running, and DATABASE_URL is not set. Start it with make run, in another terminal, or set DATABASE_URL to the database that you mean")
	}
	return cmp.Or(variables[config.DatabaseURL], settings.values[config.DatabaseURL]), err
}

func names(scopes []access.Scope) string {
	result := make([]string, len(scopes))
	for i, scope := range scopes {
		result[i] = string(scope)
	}
	return strings.Join(result, ", ")
}
