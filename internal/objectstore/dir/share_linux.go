package dir

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// linkInto gives the open file another name in an open folder. The name is that
// of the file itself, whatever stands now where it was opened.
func linkInto(folder *os.File, name string, in *os.File) error {
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", in.Fd()),
		int(folder.Fd()), name, unix.AT_SYMLINK_FOLLOW)
}

// onlyName tells whether a file has no name but one.
func onlyName(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 1
}
