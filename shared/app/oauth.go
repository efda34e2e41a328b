package app

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/notionoauth"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const (
	// grantLease is how long who refreshes a grant holds it: longer than Notion, the vault and the database together take.
	grantLease = 45 * time.Second
	// tokenLife is how long a token of Notion's is taken to live: Notion does not say.
	tokenLife = 24 * time.Hour
)

// notionOAuth makes the client of Notion's OAuth.
func (p deps) notionOAuth() *notionoauth.Client {
	return notionoauth.New(notionoauth.Config{
		BaseURL: p.cfg.NotionAPIURL, ID: p.cfg.NotionOAuth.ClientID, RedirectURI: p.cfg.NotionOAuth.RedirectURI,
		Secret: func(ctx context.Context) (secret.Text, error) {
			return p.secret.Get(ctx, config.NotionOAuthClientSecret)
		},
	})
}

// oauthConfigured reports whether workspaces can be connected by OAuth.
func (p deps) oauthConfigured(ctx context.Context) (bool, error) {
	if !p.cfg.NotionOAuth.Set() {
		return false, nil
	}
	clientSecret, err := p.secret.Get(ctx, config.NotionOAuthClientSecret)
	return !clientSecret.Empty(), err
}

// notionAuth tells how Notion is told who we are. What cannot be found out now is not configured, as far as anybody could use it.
func (p deps) notionAuth(source *oauth.Source) func(context.Context) api.NotionAuth {
	return func(ctx context.Context) api.NotionAuth {
		configured, errSecret := p.oauthConfigured(ctx)
		ctx, cancel := context.WithTimeout(ctx, p.limits.method)
		defer cancel()
		method, err := source.Method(ctx)
		if err = errors.Join(errSecret, err); err != nil {
			p.log.WarnContext(ctx, "how Notion is told who we are cannot be found out", "error", err)
		}
		return api.NotionAuth{OAuthConfigured: configured, Method: method}
	}
}

func (p deps) grants(pool *postgres.Pool) postgres.Grants {
	return postgres.Grants{Pool: pool, NewID: newID, Now: time.Now, TTL: grantLease, First: config.DefaultConnection}
}

// connector connects workspaces; keeping their tokens is not linked where vault is nil.
func (p deps) connector(pool *postgres.Pool, vault oauth.Creator) oauth.Connector {
	return oauth.Connector{
		Notion: p.notionOAuth(), Attempts: postgres.Attempts{Pool: pool}, Connections: p.grants(pool), Vault: vault,
		RedirectURI: p.cfg.NotionOAuth.RedirectURI, SecretName: p.secretName, Now: time.Now, NewID: newID, Random: rand.Reader, Log: p.log,
	}
}

// keeper keeps grants good.
func (p deps) keeper(pool *postgres.Pool, vault oauth.Vault) oauth.Keeper {
	return oauth.Keeper{
		Notion: p.notionOAuth(), Grants: p.grants(pool), Vault: vault, Policy: grant.Policy{Life: tokenLife},
		Now: time.Now, NewID: newID, Wait: notion.Wait, Log: p.log,
	}
}

// renewing returns the connection's token, and refreshes one that Notion refuses.
func (p deps) renewing(pool *postgres.Pool) *oauth.Source {
	client := awssecrets.NewFromConfig(p.aws)
	source := p.source()
	source.Renew = p.keeper(pool, secretsmanager.Pairs{Readable: secretsmanager.Readable{Client: client}, Putter: client}).Refresh
	return source
}

// secretName names the secret of what an attempt brings.
func (p deps) secretName(attemptID string) string {
	return "act/" + p.cfg.Stage + "/oauth/" + attemptID
}

// vault reads, keeps, makes and deletes pairs of tokens.
func (p deps) vault() secretsmanager.Vault {
	client := awssecrets.NewFromConfig(p.aws)
	return secretsmanager.Vault{Pairs: secretsmanager.Pairs{Readable: secretsmanager.Readable{Client: client}, Putter: client}, Owner: client}
}
