package workspace

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// env is the workspace as a request of an actor sees it while it is read.
type env struct {
	w     *Workspace
	actor Actor
}

func (e env) HasUser(id string) bool { return e.w.User(id) != nil }
func (e env) Actor() string          { return e.actor.UserID }
func (e env) NewID() string          { return e.w.ids.UUID() }
func (e env) KeepsZone() bool        { return e.w.Limits.KeepTimeZone }
func (e env) KeepsSeconds() bool     { return e.w.Limits.KeepSeconds }

func (e env) SourceOf(pageID string) (string, bool) {
	p, err := e.w.Page(pageID, e.actor)
	if err != nil {
		return "", false
	}
	return p.SourceID, true
}

func (e env) NotFound(kind, id string) *wire.Error {
	return e.actor.NotFound(kind, id)
}
