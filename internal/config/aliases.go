package config

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// alias lets a setting of PIMS (pims-api §7) keep working under its own name.
// The new name wins when both are set.
type alias struct {
	old     string
	meaning string // for the documentation
	// apply gives the new settings for the old one's text.
	apply func(text, folder string) (map[string]string, error)
}

var aliases = []alias{
	{"ROOT", "The folder of slides: STORE_URL=file://ROOT", func(text, folder string) (map[string]string, error) {
		return map[string]string{"STORE_URL": folderURL(text, folder)}, nil
	}},
	{"PENDING_PATH", "The folder of files to import: UPLOADS_URL=file://PENDING_PATH", func(text, folder string) (map[string]string, error) {
		return map[string]string{"UPLOADS_URL": folderURL(text, folder)}, nil
	}},
	{"BIND", "Host and port in one: HOST and PORT", func(text, _ string) (map[string]string, error) {
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "config-value", "BIND is %q: expected host:port, such as 0.0.0.0:5000", text)
		}
		return map[string]string{"HOST": host, "PORT": port}, nil
	}},
	{"CACHE_ENABLED", "When false: CACHE_MEMORY=0", func(text, _ string) (map[string]string, error) {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "config-value", "CACHE_ENABLED is %q: expected true or false", text)
		}
		if on {
			return nil, nil
		}
		return map[string]string{"CACHE_MEMORY": "0"}, nil
	}},
}

func folderURL(path, folder string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	return objectstore.Location{Scheme: objectstore.SchemeFile, Path: filepath.Clean(path)}.String()
}

// applyAliases adds what PIMS' names mean to values.
func applyAliases(values map[string]value, folder string) (bad []error) {
	for _, a := range aliases {
		old, set := values[a.old]
		if !set {
			continue
		}
		settings, err := a.apply(old.text, folder)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for name, text := range settings {
			if _, newer := values[name]; newer && a.old != "CACHE_ENABLED" { // off is off, whatever the size
				continue
			}
			values[name] = value{text: text, origin: old.origin + " (" + a.old + ")"}
		}
	}
	return bad
}

// withoutMeaning are PIMS' settings that have no effect here, because what they
// tune does not exist: no RabbitMQ, no libvips operation cache, no
// worker processes. They are accepted, and told at start.
var withoutMeaning = []string{
	"AUTO_DELETE_COLLECTION_ARCHIVE", "AUTO_DELETE_FAILED_UPLOAD", "AUTO_DELETE_MULTI_FILE_FORMAT_ARCHIVE",
	"CACHE_IMAGE_FORMAT_METADATA", "CACHE_IMAGE_RESPONSES", "CACHE_RESPONSES",
	"CACHE_TTL_THUMB", "CACHE_TTL_RESIZED", "CACHE_TTL_TILE", "CACHE_TTL_WINDOW",
	"CYTOMINE_PRIVATE_KEY", "CYTOMINE_PUBLIC_KEY", "DATASET_PATH", "INTERNAL_URL_CORE",
	"MAX_WORKERS", "MEILISEARCH_KEY", "MEILISEARCH_URL", "MEMORY_LRU_CACHE_CAPACITY",
	"PIMS_URL", "PRELOAD", "TASK_QUEUE_ENABLED", "TASK_QUEUE_PASSWORD", "TASK_QUEUE_URL", "TASK_QUEUE_USER",
	"VIPS_ALLOW_LEAK", "VIPS_CACHE_MAX_FILES", "VIPS_CACHE_MAX_ITEMS", "VIPS_CACHE_MAX_MEMORY",
	"WEB_CONCURRENCY", "WORKERS_PER_CORE", "WRITING_PATH",
}

// ignoredOf lists the settings without meaning that are set, sorted.
func ignoredOf(values map[string]value) []string {
	var out []string
	for _, name := range withoutMeaning {
		if _, set := values[name]; set {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
