// Package openapi holds the OpenAPI document of the API, which is generated from its routes.
package openapi

import _ "embed" // for the document

//go:embed openapi.json
var document []byte

// JSON returns the document.
func JSON() []byte { return document }
