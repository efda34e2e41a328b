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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// keptKey is the system's own API key as it lies on this machine, so that it stays the same.
type keptKey struct {
	Text string
	Key  access.Key
}

// ensureKey gives the system's own API key, from the file or a new one, and has the database know it.
func ensureKey(ctx context.Context, databaseURL, file string) (string, error) {
	kept, err := readKey(file)
	if err != nil {
		if kept.Text, kept.Key, err = access.NewKey("local", []access.Scope{access.Admin}, rand.Reader); err != nil {
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

func addKey(ctx context.Context, databaseURL string, key access.Key) error {
	settings, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return err
	}
	settings.MaxConns = 1
	settings.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := (postgres.Keys{Pool: pool}).Add(ctx, key); err != nil {
		return fmt.Errorf("keep the API key: %w", err)
	}
	return nil
}

// printKey makes an API key for a client, with the given scopes or that of reading, in the running system's database or the one that
// the settings name.
func printKey(ctx context.Context, settings settings, arguments []string, stdout io.Writer) error {
	client, scopes := "desk", []access.Scope{access.Read}
	if len(arguments) > 0 {
		client = arguments[0]
	}
	if len(arguments) > 1 {
		scopes = nil
		for _, name := range arguments[1:] {
			scope := access.Scope(name)
			if !slices.Contains(access.Scopes(), scope) {
				return fmt.Errorf("there is no scope %s, but %s", name, list(access.Scopes()))
			}
			scopes = append(scopes, scope)
		}
	}
	url, err := runningDatabase(settings)
	if err != nil {
		return err
	}
	text, key, err := access.NewKey(client, scopes, rand.Reader)
	if err != nil {
		return err
	}
	if err := addKey(ctx, url, key); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, text)
	return err
}

func runningDatabase(settings settings) (string, error) {
	file, err := os.Open(settings.kept(envFile))
	if errors.Is(err, fs.ErrNotExist) {
		if url := settings.values[config.DatabaseURL]; url != "" {
			return url, nil
		}
		return "", errors.New("the system does not run, and DATABASE_URL is not set: whose key is it to be?")
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	variables, err := dotenv.Parse(file)
	return cmp.Or(variables[config.DatabaseURL], settings.values[config.DatabaseURL]), err
}

func list(scopes []access.Scope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, ", ")
}
