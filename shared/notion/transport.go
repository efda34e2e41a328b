package notion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// maxAnswer bounds an answer: a hundred pages of long texts stay well below.
const maxAnswer = 16 << 20

// transport is the one way to Notion. It satisfies http.RoundTripper, so that other clients may go through it, but an
// answer that is not a success is an error here.
type transport struct{ Config }

// RoundTrip sends a request until it is answered, or until repeating it is of no use or not allowed.
//
// What may be repeated: anything that Notion refused unread (429, 529, no connection); after a 5xx, a dropped connection
// or an answer that is no JSON, only what has the same effect twice: GET, the two POSTs that read, and PATCH, whose values
// are absolute. A page's creation is never repeated: it may have been saved.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	body, err := readRequest(request)
	if err != nil {
		return nil, err
	}
	renewed := false
	for attempt := 1; ; attempt++ {
		token, err := t.token(ctx)
		if err != nil {
			return nil, err
		}
		answer, verdict, err := t.attempt(request, body, token, attempt)
		if err == nil {
			return answer, nil
		}
		if verdict == staleToken && !renewed {
			renewed = true
			t.Tokens.Invalidate(token)
			if fresh, err := t.token(ctx); err == nil && !fresh.Equal(token) {
				continue
			}
		}
		if ctx.Err() != nil || attempt >= t.Attempts || !verdict.repeats(request.Method, request.URL.Path) {
			return nil, err
		}
		if err := t.pause(ctx, attempt, err); err != nil {
			return nil, err
		}
	}
}

func readRequest(request *http.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	defer request.Body.Close()
	body, err := io.ReadAll(request.Body)
	return body, fault.Wrap(err, fault.Internal, "a request's body does not read")
}

func (t *transport) token(ctx context.Context) (secret.Text, error) {
	token, err := t.Tokens.Token(ctx)
	if err != nil && fault.KindOf(err) != fault.Unauthorized {
		err = fault.NotAsked(err)
	}
	if err != nil {
		return secret.Text{}, err
	}
	if token.Empty() {
		return secret.Text{}, fault.New(fault.Unauthorized, "There is no Notion token: connect the workspace, or set NOTION_TOKEN.")
	}
	if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.Text{}, fault.New(fault.Unauthorized, "The Notion token holds a character that no token has, a line break perhaps: correct NOTION_TOKEN.")
	}
	return token, nil
}

// attempt sends a request once.
func (t *transport) attempt(request *http.Request, body []byte, token secret.Text, attempt int) (*http.Response, verdict, error) {
	ctx := request.Context()
	report, err := t.Breaker.Allow()
	if err != nil {
		return nil, final, err
	}
	if err := t.Budget.Take(ctx, 1); err != nil {
		report(breaker.Unknown)
		return nil, final, fault.NotAsked(err)
	}
	started := t.Now()
	answer, verdict, err := t.send(request, body, token)
	report(outcomeOf(ctx, err))
	call := Call{Method: request.Method, Route: route(request.URL.Path), Attempt: attempt, Duration: t.Now().Sub(started)}
	if err == nil {
		call.Status = answer.StatusCode
	} else {
		call.Kind = fault.KindOf(err).String()
		if refused, ok := errors.AsType[*Error](err); ok {
			call.Status = refused.Status
		}
	}
	t.Observe(ctx, call)
	return answer, verdict, err
}

// outcomeOf says what an attempt tells of Notion's health: only lost connections, 5xx and answers that are no JSON count as failures; a
// caller who gave up is no sign of anything.
func outcomeOf(ctx context.Context, err error) breaker.Outcome {
	switch {
	case fault.KindOf(err) != fault.Unavailable: // Internal where there is no error
		return breaker.Healthy
	case ctx.Err() != nil:
		return breaker.Unknown
	default:
		return breaker.Failed
	}
}

// send sends a request and reads the whole of its answer.
func (t *transport) send(request *http.Request, body []byte, token secret.Text) (*http.Response, verdict, error) {
	ctx, cancel := context.WithTimeout(request.Context(), t.AttemptTimeout)
	defer cancel()
	sent := request.Clone(ctx)
	sent.Header = http.Header{
		"Authorization":  {"Bearer " + token.Reveal()},
		"Notion-Version": {t.Version},
		"Accept":         {"application/json"},
		"User-Agent":     {"act-enhanced-integration"},
	}
	sent.Body = http.NoBody
	if len(body) > 0 {
		sent.Header.Set("Content-Type", "application/json")
		sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	answer, err := t.Transport.RoundTrip(sent)
	if err != nil {
		return nil, lossOf(err), t.lost(request.Context(), err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil && request.Context().Err() == nil {
		return nil, unclear, fault.Wrap(err, fault.Unavailable, "Notion answered with %d, and its answer broke off; try again later", answer.StatusCode)
	}
	if err != nil {
		return nil, unclear, t.lost(request.Context(), err)
	}
	if len(content) > maxAnswer {
		return nil, final, fault.New(fault.TooLarge, "Notion's answer is larger than %d MB: ask for fewer pages at a time.", maxAnswer>>20)
	}
	if answer.StatusCode != http.StatusOK || !json.Valid(content) {
		verdict, err := t.refusal(answer, content)
		return nil, verdict, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(content))
	return answer, final, nil
}

// lost is the error of a request that got no answer. The cause names addresses, but neither the token nor the query.
func (t *transport) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(ctx.Err(), fault.Unavailable, "The call to Notion was cut short")
	}
	return fault.Wrap(err, fault.Unavailable, "Notion does not answer; try again later")
}

// lossOf tells a request that never left from one that may have arrived.
func lossOf(err error) verdict {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return unread
	}
	return unclear
}

const (
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 30 * time.Second
	maxPatience  = 5 * time.Minute // a longer wait is the queue's business
)

// pause waits before the next attempt: as long as Notion asks and a little more, or twice as long each time, with full
// jitter. A wait that outlasts the context is given back at once, in the error that called for it.
func (t *transport) pause(ctx context.Context, attempt int, cause error) error {
	asked := fault.RetryAfter(cause)
	wait := asked + time.Duration(t.Jitter()*float64(firstBackoff))
	if asked == 0 {
		wait = time.Duration(t.Jitter() * float64(min(maxBackoff, firstBackoff<<(attempt-1))))
	}
	if wait > maxPatience || outlasts(ctx, wait) {
		return &fault.Error{Kind: fault.KindOf(cause), Message: fault.Message(cause), RetryAfter: wait, Err: cause}
	}
	if err := t.Wait(ctx, wait); err != nil {
		return t.lost(ctx, err)
	}
	return nil
}

// verdict says what became of an attempt, as far as repeating it goes.
type verdict int

const (
	final      verdict = iota // it would end the same
	unread                    // Notion did nothing with it
	unclear                   // Notion may have done it
	staleToken                // Notion does not know the token, which may have been rotated
)

func (v verdict) repeats(method, path string) bool {
	switch v {
	case unread:
		return true
	case unclear:
		return method != http.MethodPost || strings.HasSuffix(path, "/query") || strings.HasSuffix(path, "/search")
	default:
		return false
	}
}

// route takes the ids out of a path.
func route(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if _, ok := property.DashedID(segment); ok || i > 0 && segments[i-1] == "properties" {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}
