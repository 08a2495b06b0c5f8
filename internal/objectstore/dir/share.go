package dir

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// errNotShared tells that a file must be copied after all.
var errNotShared = errors.New("the file can not be shared")

// share makes key a second name of the open file in, whose bytes then are not
// copied. It does so only when the first name, that of o in other, is the file's
// only one and no symbolic link: after its removal nobody else has the file. It
// fails with errNotShared otherwise, and where file systems do not allow it.
func (d *driver) share(ctx context.Context, other *driver, in *os.File, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, error) {
	entry, err := other.root().Lstat(filepath.FromSlash(o.Key))
	if err != nil || !entry.Mode().IsRegular() || !onlyName(entry) {
		return objectstore.Object{}, errNotShared
	}
	info, err := in.Stat()
	if err != nil || !os.SameFile(entry, info) {
		return objectstore.Object{}, errNotShared
	}
	temp, err := d.linkTemp(in)
	if err != nil {
		return objectstore.Object{}, errNotShared
	}
	defer func() { _ = d.root().Remove(temp) }() // gone already when it was renamed
	// Whoever wrote the original may have left that to the kernel.
	if err := in.Sync(); err != nil {
		return objectstore.Object{}, errNotShared
	}
	if err := ctx.Err(); err != nil {
		return objectstore.Object{}, err
	}
	if err := unchanged(in, o); err != nil {
		return objectstore.Object{}, err
	}
	if err := d.place(temp, key, options); err != nil {
		return objectstore.Object{}, writeFault(key, err)
	}
	return objectOf(key, info), nil
}

// linkTemp gives an open file a temporary name in this store.
func (d *driver) linkTemp(in *os.File) (string, error) {
	if err := d.root().MkdirAll(tempFolder, fs.FileMode(0o755)); err != nil {
		return "", err
	}
	folder, err := d.root().Open(tempFolder)
	if err != nil {
		return "", err
	}
	defer folder.Close()
	name := rand.Text()
	return tempFolder + "/" + name, linkInto(folder, name, in)
}
