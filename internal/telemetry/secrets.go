package telemetry

import (
	"bytes"
	"regexp"
)

// What is logged has no credentials by itself. But stores and proxies quote the
// request that they refuse, with its signature, and people escape an address
// until its query is a part of the path: so every line is looked through, too.
var (
	// named are grants and tokens in a query, signatures of presigned addresses
	// and of requests to S3, session tokens, and what follows "Bearer".
	named = regexp.MustCompile(`((?:[Gg]rant|[Ss]ignature|[Tt]oken)(?:=|%3[Dd])|[Bb]earer )[A-Za-z0-9%._~+/=-]+`)
	// webToken is a JSON Web Token wherever it stands: its first part is the
	// base64 of an object.
	webToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
	// signs are in every line that these could match, and in few others.
	signs = [][]byte{[]byte("rant"), []byte("ignature"), []byte("oken"), []byte("earer "), []byte("eyJ")}
)

// withoutSecrets gives the text with *** for credentials.
func withoutSecrets(text []byte) []byte {
	for _, sign := range signs {
		if bytes.Contains(text, sign) {
			return webToken.ReplaceAll(named.ReplaceAll(text, []byte("${1}***")), []byte("***"))
		}
	}
	return text
}

// WithoutSecrets gives a text that may quote a request with *** for tokens,
// grants and signatures. Log lines need no call of it: loggers do it.
func WithoutSecrets(text string) string { return string(withoutSecrets([]byte(text))) }
