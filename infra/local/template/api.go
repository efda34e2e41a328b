package template

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// authorizerTTL is how long API Gateway keeps an authorizer's answer when the template has identity sources and says nothing else.
const authorizerTTL = 300

func (s *scope) readAPI(r resource, globals *yaml.Node, path string) (*API, error) {
	node := without(merge(globals, &r.Properties), "AccessLogSettings", "DefaultRouteSettings", "Description", "FailOnWarnings", "Name", "RouteSettings", "Tags")
	resolved, err := s.resolve(node, path)
	if err != nil {
		return nil, err
	}
	var p struct {
		StageName         string
		CorsConfiguration yaml.Node
		Auth              struct {
			DefaultAuthorizer string
			Authorizers       map[string]yaml.Node
		}
	}
	p.StageName = "$default"
	if err := decode(resolved, path, &p); err != nil {
		return nil, err
	}
	s.defaultAuthorizer = p.Auth.DefaultAuthorizer
	api := &API{Stage: p.StageName, Authorizers: map[string]Authorizer{}}
	for _, name := range sortedKeys(p.Auth.Authorizers) {
		node := p.Auth.Authorizers[name]
		if api.Authorizers[name], err = readAuthorizer(&node, path+".Auth.Authorizers."+name); err != nil {
			return nil, err
		}
	}
	if p.CorsConfiguration.Kind != 0 {
		api.CORS, err = readCORS(&p.CorsConfiguration, path+".CorsConfiguration")
	}
	return api, err
}

func readAuthorizer(node *yaml.Node, path string) (Authorizer, error) {
	var p struct {
		FunctionARN                    string `yaml:"FunctionArn"`
		AuthorizerPayloadFormatVersion string
		EnableSimpleResponses          bool
		Identity                       struct {
			Headers          []string
			QueryStrings     []string
			ReauthorizeEvery int // seconds
		}
	}
	p.Identity.ReauthorizeEvery = authorizerTTL
	if err := decode(node, path, &p, "EnableFunctionDefaultPermissions", "FunctionInvokeRole"); err != nil {
		return Authorizer{}, err
	}
	if p.AuthorizerPayloadFormatVersion != "2.0" || !p.EnableSimpleResponses {
		return Authorizer{}, fail(node, path, "only authorizers of payload format 2.0 with simple responses are known to the local system")
	}
	if p.Identity.ReauthorizeEvery < 0 || p.Identity.ReauthorizeEvery > 3600 {
		return Authorizer{}, fail(node, path+".Identity.ReauthorizeEvery", "%d s is not within 0 and 3600", p.Identity.ReauthorizeEvery)
	}
	a := Authorizer{Function: p.FunctionARN[strings.LastIndexByte(p.FunctionARN, ':')+1:]}
	for _, name := range p.Identity.Headers {
		a.IdentitySources = append(a.IdentitySources, "$request.header."+name)
	}
	for _, name := range p.Identity.QueryStrings {
		a.IdentitySources = append(a.IdentitySources, "$request.querystring."+name)
	}
	if len(a.IdentitySources) > 0 {
		a.TTL = time.Duration(p.Identity.ReauthorizeEvery) * time.Second
	}
	return a, nil
}

func readCORS(node *yaml.Node, path string) (*CORS, error) {
	if node.Kind == yaml.ScalarNode {
		var allowed bool
		if err := decode(node, path, &allowed); err != nil || !allowed {
			return nil, err
		}
		return &CORS{AllowOrigins: []string{"*"}}, nil
	}
	var p struct {
		AllowCredentials bool
		AllowHeaders     []string
		AllowMethods     []string
		AllowOrigins     []string
		ExposeHeaders    []string
		MaxAge           int
	}
	if err := decode(node, path, &p); err != nil {
		return nil, err
	}
	return &CORS{
		AllowCredentials: p.AllowCredentials, AllowHeaders: p.AllowHeaders, AllowMethods: p.AllowMethods, AllowOrigins: p.AllowOrigins,
		ExposeHeaders: p.ExposeHeaders, MaxAge: time.Duration(p.MaxAge) * time.Second,
	}, nil
}
