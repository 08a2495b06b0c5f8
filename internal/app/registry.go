package app

import (
	"errors"
	"io/fs"
	"os"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/internal/config"
)

// Registry is the built-in formats in the order that CHECKER_RESOLUTION_FILE
// gives. A file of the default name may be missing, one that was named may not.
func Registry(cfg *config.Config) (*formats.Registry, error) {
	order, err := resolutionOrder(cfg)
	if err != nil {
		return nil, err
	}
	return formats.NewRegistry(all.Formats(), order), nil
}

func resolutionOrder(cfg *config.Config) (formats.ResolutionOrder, error) {
	name := cfg.Formats.ResolutionFile
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && !cfg.Given("CHECKER_RESOLUTION_FILE") {
		return formats.ResolutionOrder{}, nil
	}
	if err != nil {
		return formats.ResolutionOrder{}, fault.New(fault.Invalid, "config-value",
			"CHECKER_RESOLUTION_FILE is %q: the file can not be read; name a file with the columns name,resolution_order, or unset it", name).Because(err)
	}
	defer file.Close()
	return formats.ParseResolutionOrder(file)
}
