package app

import (
	"testing"
)

// TestDisconnectedFromAnApplicationThatIsGone: the integration was set up anew in Notion, with another client id. The workspaces of the old one can be disconnected.
func TestDisconnectedFromAnApplicationThatIsGone(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[1]
	c.cfg.NotionOAuth.ClientID = "another"
	vault := c.vault()
	gone, err := c.keeper(c.pool, vault).Disconnect(t.Context(), vault, c.id(), "a person")
	if err != nil || gone.Status != "disconnected" {
		t.Errorf("%s, %v", gone.Status, err)
	}
}
