package config

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
)

// Scheme is the kind of a store.
type Scheme string

// The stores that there are.
const (
	File   Scheme = "file"
	S3     Scheme = "s3"
	Memory Scheme = "memory"
)

// StoreURL names a store: a folder, a bucket with an optional prefix, or this
// process' memory. The zero value is no store.
type StoreURL struct {
	Scheme Scheme
	Path   string // of a folder, cleaned; relative to the working directory unless absolute
	Bucket string
	Prefix string // within the bucket, without slashes at its ends
}

var errStoreURL = errors.New("expected file:///folder (or a path), s3://bucket/prefix, or memory:")

// UnmarshalText reads file:///absolute, file:relative, a bare path,
// s3://bucket/prefix and memory:.
func (u *StoreURL) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	switch scheme, rest, ok := strings.Cut(s, ":"); {
	case ok && scheme == string(Memory):
		if strings.Trim(rest, "/") != "" {
			return errStoreURL
		}
		*u = StoreURL{Scheme: Memory}
	case ok && scheme == string(S3):
		return u.unmarshalS3(rest)
	case ok && scheme == string(File):
		return u.unmarshalFile(rest)
	case ok && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "."):
		return errStoreURL // another scheme
	case s == "":
		return errStoreURL
	default:
		*u = StoreURL{Scheme: File, Path: filepath.Clean(s)}
	}
	return nil
}

func (u *StoreURL) unmarshalS3(rest string) error {
	rest, ok := strings.CutPrefix(rest, "//")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || strings.ContainsAny(rest, "?#@ ") {
		return errStoreURL
	}
	*u = StoreURL{Scheme: S3, Bucket: bucket, Prefix: strings.Trim(prefix, "/")}
	return nil
}

func (u *StoreURL) unmarshalFile(rest string) error {
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		// file://host/path has no meaning here, and file://data is most likely
		// a relative path that lost a slash: refuse rather than guess.
		after = strings.TrimPrefix(after, "localhost")
		if !strings.HasPrefix(after, "/") {
			return errors.New("expected file:///absolute/folder with three slashes, or file:relative/folder with none")
		}
		rest = after
	}
	path, err := url.PathUnescape(rest)
	if err != nil || path == "" || strings.ContainsRune(path, 0) {
		return errStoreURL
	}
	*u = StoreURL{Scheme: File, Path: filepath.Clean(path)}
	return nil
}

// MarshalText is String.
func (u StoreURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String is the URL that UnmarshalText reads back. It holds no secrets: a
// store's credentials come from elsewhere.
func (u StoreURL) String() string {
	switch u.Scheme {
	case File:
		escaped := (&url.URL{Path: u.Path}).EscapedPath()
		if filepath.IsAbs(u.Path) {
			return "file://" + escaped
		}
		return "file:" + escaped
	case S3:
		if u.Prefix == "" {
			return "s3://" + u.Bucket
		}
		return "s3://" + u.Bucket + "/" + u.Prefix
	case Memory:
		return "memory:"
	default:
		return ""
	}
}

// Contains reports whether other is the same place or lies inside this one.
// Two memory stores are always two places.
func (u StoreURL) Contains(other StoreURL) bool {
	if u.Scheme != other.Scheme {
		return false
	}
	switch u.Scheme {
	case File:
		outer, err1 := filepath.Abs(u.Path)
		inner, err2 := filepath.Abs(other.Path)
		return err1 == nil && err2 == nil && within(outer, inner)
	case S3:
		return u.Bucket == other.Bucket && within("/"+u.Prefix, "/"+other.Prefix)
	default:
		return false
	}
}

func within(outer, inner string) bool {
	outer = strings.TrimSuffix(outer, "/")
	return inner == outer || strings.HasPrefix(inner, outer+"/") || (outer == "" && inner == "/")
}
