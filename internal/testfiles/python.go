package testfiles

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Python is an interpreter that has all of the modules: the one that
// PIMS_TEST_PYTHON names, that of .venv, which scripts/setup.sh makes, or the
// machine's. "" when it lacks one.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	name := os.Getenv("PIMS_TEST_PYTHON")
	if name == "" {
		name = filepath.Join(Root(t), ".venv", "bin", "python")
		if _, err := os.Stat(name); err != nil {
			name = "python3"
		}
	}
	if exec.Command(name, "-c", "import "+strings.Join(modules, ", ")).Run() != nil {
		return ""
	}
	return name
}

// NeedPython is Python, or the test is skipped by name.
func NeedPython(t testing.TB, modules ...string) string {
	t.Helper()
	name := Python(t, modules...)
	if name == "" {
		t.Skipf("Python with %s is not here (scripts/setup.sh makes one; PIMS_TEST_PYTHON names another)", strings.Join(modules, ", "))
	}
	return name
}
