// Package objectstore reads and writes objects in buckets: the portable Store
// over small drivers, and the decorators between the two.
//
// A Store is safe for concurrent use. Reads may name the ETag they expect; when
// the object has another one they fail with kind Changed and give no bytes, so
// bytes of two versions are never mixed. Writes are all or nothing and may be
// conditional: of any number of concurrent writers with OnlyIfAbsent, exactly
// one wins.
//
// Drivers: dir (a local folder), memory, and s3. Each passes the suite in
// storetest. Package connect opens a Store from its URL.
//
// Decorators, always in this order, outermost first, each in one file and each
// to be left out: Meter, Limit, Blocks, Coalesce, Hedge, Retry. Standard puts them
// together, Blocks and Hedge only when they are configured.
//
// A driver's errors are fault.Error with these codes, whatever the backend:
//
//	store-not-found      NotFound  the key, or the whole store, does not exist
//	store-changed        Changed   another ETag, or a condition of a write failed
//	store-range          Invalid   a range reaches past the end
//	store-key            Invalid   the key breaks the rules of CheckKey
//	store-denied         Denied    the credentials or permissions do not suffice
//	store-slow-down      Busy      refused before anything was done; try again
//	store-conflict       Busy      a concurrent write was in the way; try again
//	store-unreachable    Busy      no complete answer; whether a write happened is unknown
//	store-too-large      TooLarge  over a stated bound
//	store-failed         Internal  anything else
package objectstore
