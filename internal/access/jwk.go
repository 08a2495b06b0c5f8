package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Bounds of a key set: an issuer has a handful of keys.
const (
	maxKeySetBytes = 1 << 20
	maxKeySetKeys  = 100
	minRSABits     = 2048
	maxRSABits     = 8192
)

// publicKey is one key of an issuer.
type publicKey struct {
	key        crypto.PublicKey
	alg        string // that it is for; "" when the set does not say
	generation uint64 // of the set that it was taken from
}

// jwk is one member of a key set (RFC 7517, RFC 7518 §6, RFC 8037).
type jwk struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	N   string `json:"n"`
	E   string `json:"e"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// parseKeySet reads keys by id. What is not for signatures, of another kind, or
// broken is left out: an issuer may publish keys that mean nothing here.
func parseKeySet(text []byte) (map[string]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("no JSON Web Key Set: %w", err)
	}
	if len(set.Keys) > maxKeySetKeys {
		return nil, fmt.Errorf("%d keys in the set, at most %d are read", len(set.Keys), maxKeySetKeys)
	}
	out := map[string]publicKey{}
	for _, raw := range set.Keys {
		var k jwk
		if json.Unmarshal(raw, &k) != nil || k.Use != "" && k.Use != "sig" {
			continue
		}
		if key, err := k.public(); err == nil {
			out[k.Kid] = publicKey{key: key, alg: k.Alg}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no key for signatures in the set")
	}
	return out, nil
}

func (k jwk) public() (crypto.PublicKey, error) {
	switch k.Kty {
	case "RSA":
		return k.rsa()
	case "EC":
		return k.ec()
	case "OKP":
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || k.Crv != "Ed25519" || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("no Ed25519 key")
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, fmt.Errorf("unknown kind of key %q", k.Kty)
}

func (k jwk) rsa() (crypto.PublicKey, error) {
	n, err1 := base64.RawURLEncoding.DecodeString(k.N)
	e, err2 := base64.RawURLEncoding.DecodeString(k.E)
	if err1 != nil || err2 != nil || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("no RSA key")
	}
	modulus, exponent := new(big.Int).SetBytes(n), int(new(big.Int).SetBytes(e).Int64())
	if bits := modulus.BitLen(); bits < minRSABits || bits > maxRSABits || exponent < 3 || exponent&1 == 0 {
		return nil, fmt.Errorf("an RSA key of %d bits with exponent %d", bits, exponent)
	}
	return &rsa.PublicKey{N: modulus, E: exponent}, nil
}

func (k jwk) ec() (crypto.PublicKey, error) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
	if curve == nil {
		return nil, fmt.Errorf("unknown curve %q", k.Crv)
	}
	x, err1 := base64.RawURLEncoding.DecodeString(k.X)
	y, err2 := base64.RawURLEncoding.DecodeString(k.Y)
	size := (curve.Params().BitSize + 7) / 8
	if err1 != nil || err2 != nil || len(x) != size || len(y) != size {
		return nil, errors.New("no point of the curve")
	}
	// The uncompressed form: this refuses what does not lie on the curve.
	return ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
}
