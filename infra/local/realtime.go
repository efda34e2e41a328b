package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// coalescing is how long changes of the database are gathered before they are told.
const coalescing = 20 * time.Millisecond

// startRealtime has both sides tell at once what changes, as they do in the cloud: the simulator by webhooks of Notion's, the database,
// which has no database webhooks here, by LISTEN and a webhook of Supabase's.
func (s *system) startRealtime(ctx context.Context, v values) {
	if s.settings.values["REAL_TIME_SYNC"] != "true" {
		return
	}
	const hooks = "/api/enhanced-integration/webhooks/"
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	if v.sim != nil {
		running.Go(func() { s.subscribe(ctx, v.sim, v.apiURL+hooks+"notion") })
	}
	url := v.databaseURL
	if direct := s.settings.migrationURL(); direct != "" {
		url = direct // a pooler does not know LISTEN
	}
	running.Go(func() { s.listenForChanges(ctx, url, v.apiURL+hooks+"supabase", v.webhookSecret) })
	s.onStop(func() {
		cancel()
		running.Wait()
	})
}

// subscribe has the simulator tell the API what happens. A subscription that it has already keeps its token.
func (s *system) subscribe(ctx context.Context, sim *notionsim.Sim, address string) {
	token := ""
	if kept := sim.Subscription(); kept != nil {
		token = kept.Token
	}
	if _, err := sim.Subscribe(ctx, address, token); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "the simulated Notion workspace sends no webhooks (make reset deletes it)", "error", err)
	}
}

// listenForChanges tells the API of changes until ctx ends, over one connection after the other.
func (s *system) listenForChanges(ctx context.Context, databaseURL, address, secret string) {
	for ctx.Err() == nil {
		if err := s.listenOnce(ctx, databaseURL, address, secret); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "database changes are synced on schedule only, because LISTEN failed", "error", err)
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *system) listenOnce(ctx context.Context, databaseURL, address, secret string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "listen sync_changes"); err != nil {
		return err
	}
	for {
		changed := map[string]bool{} // connection and kind, as 0055_announce_connection.sql has them
		n, err := conn.WaitForNotification(ctx)
		for gathering, cancel := context.WithTimeout(ctx, coalescing); ; n, err = conn.WaitForNotification(gathering) {
			if err != nil {
				cancel()
				break
			}
			changed[n.Payload] = true
		}
		if conn.IsClosed() || ctx.Err() != nil {
			return err
		}
		for payload := range changed {
			connectionID, kind, _ := strings.Cut(payload, " ")
			if err := tell(ctx, address, secret, connectionID, kind); err != nil {
				s.log.WarnContext(ctx, "a database change could not be reported", "error", err)
			}
		}
	}
}

// tell sends what Supabase's database webhook on sync_changes sends.
func tell(ctx context.Context, address, secret, connectionID, kind string) error {
	body, err := json.Marshal(map[string]any{
		"type": "INSERT", "schema": "public", "table": "sync_changes", "old_record": nil,
		"record": map[string]string{"connection_id": connectionID, "kind": kind},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Webhook-Secret", secret)
	client := http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s", response.Status)
	}
	return nil
}
