package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// connectionParameter names a connection, in the query or in the body.
const connectionParameter = "connection_id"

// OfConnection returns the handler that answers for a connection, "" for the first one; fault.NotFound when there is none of that id.
type OfConnection func(ctx context.Context, connectionID string) (http.Handler, error)

type connectionKey struct{}

// chosen stands in the context of a request that may name a connection. err says why it is answered for none.
type chosen struct{ err error }

// PerConnection answers each request for the connection that it names: with connection_id in the query, or in the body of a request that
// changes something. One that names none is of the first connection. Handlers see neither. Whoever may not use an endpoint is told so
// before anything is said of connections.
func (a API) PerConnection(of OfConnection) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := callerOf(r); err != nil { // nobody costs a look at the database
			a.write(w, a.failure(r, err))
			return
		}
		id, err := takeConnection(r)
		var h http.Handler
		if err == nil {
			h, err = of(r.Context(), id)
		}
		var choice chosen
		if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.NotFound || kind == fault.TooLarge) {
			choice.err = err
			h, err = of(r.Context(), "")
		}
		if err != nil {
			a.write(w, a.failure(r, err))
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), connectionKey{}, choice)))
	})
}

// refusedConnection says why a request is answered for no connection.
func refusedConnection(r *http.Request) error {
	choice, _ := r.Context().Value(connectionKey{}).(chosen)
	return choice.err
}

// mayNameConnection reports whether a request may say which connection it is of.
func mayNameConnection(r *http.Request) bool {
	_, ok := r.Context().Value(connectionKey{}).(chosen)
	return ok
}

// takeConnection takes the connection that a request names out of it, "" for none.
func takeConnection(r *http.Request) (string, error) {
	inQuery, err := takeFromQuery(r)
	if err != nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return inQuery, err
	}
	inBody, err := takeFromBody(r)
	switch {
	case err != nil:
		return "", err
	case inQuery == "":
		return inBody, nil
	case inBody != "" && inBody != inQuery:
		return "", fault.New(fault.Invalid, "The query and the body name two connections; name one.")
	}
	return inQuery, nil
}

func takeFromQuery(r *http.Request) (string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || !values.Has(connectionParameter) {
		return "", nil //nolint:nilerr // the handler tells
	}
	text, err := one(values, connectionParameter)
	if err != nil {
		return "", err
	}
	values.Del(connectionParameter)
	address := *r.URL
	address.RawQuery = values.Encode()
	r.URL = &address
	return connectionID(text)
}

// takeFromBody takes the member of a JSON object. Any other body is the handler's to judge, and stays as it was sent.
func takeFromBody(r *http.Request) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The body could not be read")
	}
	if len(data) > bodyLimit {
		return "", tooLarge()
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	dec := json.NewDecoder(bytes.NewReader(data))
	var members map[string]json.RawMessage
	if err := dec.Decode(&members); err != nil || members[connectionParameter] == nil {
		return "", nil //nolint:nilerr // the handler tells
	}
	var text string
	if err := json.Unmarshal(members[connectionParameter], &text); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "connection_id must be a text: the id of a connection; GET /config lists them")
	}
	delete(members, connectionParameter)
	left, err := json.Marshal(members)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The body could not be read")
	}
	r.Body = io.NopCloser(bytes.NewReader(append(left, data[dec.InputOffset():]...)))
	return connectionID(text)
}

// connectionID returns an id as it stands in the database.
func connectionID(text string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "", fault.New(fault.Invalid, "%.50q is no connection_id: GET /config lists the connections. Without one, the first is meant.", text)
	}
	return id.String(), nil
}
