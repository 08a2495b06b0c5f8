package objectstore

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// Source reads object o of this store, pinned to its ETag: once the object is
// replaced, every read fails with kind Changed. It costs no request to make.
func (s *Store) Source(o Object) source.Reader {
	return pinned{store: s, object: o}
}

type pinned struct {
	store  *Store
	object Object
}

func (p pinned) Size() int64     { return p.object.Size }
func (p pinned) Version() string { return p.object.ETag }

func (p pinned) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	if err := source.Check(p.object.Size, ranges); err != nil {
		return nil, err
	}
	if p.object.ETag == "" {
		return nil, fault.New(fault.Internal, "store-unpinned",
			"The object %q was to be read without knowing its version.", p.object.Key)
	}
	return p.store.ReadRanges(ctx, p.object.Key, p.object.ETag, ranges)
}

// SingleBundle is the bundle of one object, named by the last element of its key.
func SingleBundle(s *Store, o Object) source.Bundle {
	return source.Single(path.Base(o.Key), s.Source(o))
}

// Bundle is the bundle of all objects below prefix, which ends in "/" or is
// empty; main and the names are relative to it. The objects are listed once,
// now, and pinned to the versions they have now. Kind NotFound when main is
// not among them, TooLarge above source.MaxNames objects.
func Bundle(ctx context.Context, s *Store, prefix, main string) (source.Bundle, error) {
	b := prefixBundle{store: s, main: main, objects: make(map[string]Object)}
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if len(b.objects) >= source.MaxNames {
			return nil, fault.New(fault.TooLarge, "store-too-large",
				"There are more than %d objects below %q; a slide has fewer.", source.MaxNames, prefix)
		}
		b.objects[strings.TrimPrefix(o.Key, prefix)] = o
	}
	if _, ok := b.objects[main]; !ok {
		return nil, source.NoSuchName(main)
	}
	return b, nil
}

type prefixBundle struct {
	store   *Store
	main    string
	objects map[string]Object // read only
}

func (b prefixBundle) Main() string { return b.main }

func (b prefixBundle) Names(context.Context) ([]string, error) {
	names := make([]string, 0, len(b.objects))
	for name := range b.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (b prefixBundle) Open(_ context.Context, name string) (source.Reader, error) {
	o, ok := b.objects[name]
	if !ok {
		return nil, source.NoSuchName(name)
	}
	return b.store.Source(o), nil
}
