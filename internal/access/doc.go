// Package access decides who may do what with which slides: by JSON Web Tokens
// of an issuer, by grants that this program signs itself, or not at all.
//
// A request is authenticated once (Checker.Caller), before anything is looked
// up. What the caller may do is a Caller: rights, and the start of the ids of
// the slides that they hold for. Nothing is asked of anybody for that but, now
// and then, the issuer's keys.
//
// # Grants
//
// A grant is text that fits into a query or a cookie:
//
//	1.KEY.EXPIRY.RIGHTS.SLIDES.MAC
//
//	KEY     id of the secret that signed it: [A-Za-z0-9_-], at most 32
//	EXPIRY  seconds since 1970, decimal, without leading zeros
//	RIGHTS  letters in this order, each at most once: r read, l label,
//	        x export, w write, a admin
//	SLIDES  the start of the ids of the slides that it is for: [a-z0-9-], at
//	        most 64; empty for all
//	MAC     HMAC-SHA-256 of "pims-grant:" and everything before the last dot,
//	        43 characters of unpadded base64url (RFC 4648 §5)
//
// There is exactly one text for one grant: other spellings are refused before
// the MAC is looked at. Secrets have at least 32 bytes. Several may be in force,
// so that they can be changed without a break: add the new one, sign with it,
// and remove the old one when what it signed has expired.
package access
