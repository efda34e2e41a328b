package workspace

import (
	"net/http"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Blocks returns how many blocks there ever were: what is deleted still counts.
func (w *Workspace) Blocks() int { return w.blocks }

// SetBlocks makes it so many blocks.
func (w *Workspace) SetBlocks(n int) {
	w.blocks = n
	w.changes.mark("counters", "counters")
}

// room returns the error for a workspace that has no room for another block. The write that reaches the limit still succeeds.
//
// https://developers.notion.com/reference/workspace-block-limits
func (w *Workspace) room() error {
	if w.Limits.Blocks == 0 || w.blocks < w.Limits.Blocks {
		return nil
	}
	return &wire.Error{
		Status: http.StatusBadRequest, Code: "row_limit_exceeded",
		Message: "This workspace has reached its block limit. Upgrade the workspace to create more content.",
	}
}

// blocksIn counts the blocks of a page's content in a request that makes the page.
func blocksIn(n wire.Node) int {
	count := nested(n.Get("children")) + nested(n.Get("content"))
	if n.Has("markdown") {
		for line := range strings.Lines(n.Get("markdown").Text()) {
			if strings.TrimSpace(line) != "" {
				count++
			}
		}
	}
	return count
}

// nested counts blocks with those that stand in them.
func nested(blocks wire.Node) int {
	if !blocks.Present() || blocks.Null() {
		return 0
	}
	count := 0
	for _, b := range blocks.List(maxPageSize) {
		count++
		for _, kind := range b.Keys() {
			if inner := b.Get(kind); inner.IsObject() && inner.Has("children") {
				count += nested(inner.Get("children"))
			}
		}
	}
	return count
}
