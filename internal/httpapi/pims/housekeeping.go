package pims

import (
	"bytes"
	"context"
	"net/http"
	"sort"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/slide"
)

type formatInfo struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Remarks     string `json:"remarks"`
	Convertible bool   `json:"convertible"`
	Readable    bool   `json:"readable"`
	Writable    bool   `json:"writable"`
	Importable  bool   `json:"importable"`
	Plugin      string `json:"plugin"`
}

func formatOf(f formats.Format) formatInfo {
	i := f.Info()
	return formatInfo{i.ID, i.Name, i.Remarks, i.Convertible, true, i.Writable, i.Importable, i.Plugin}
}

// formats lists what uploads may be; formats that are not importable are known
// by id only, as VIRTUALSTACK is in PIMS.
func (a *API) formats(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	var items []formatInfo
	for _, f := range a.Registry.Formats() {
		if f.Info().Importable {
			items = append(items, formatOf(f))
		}
	}
	sort.Slice(items, func(i, j int) bool { return items[i].ID < items[j].ID })
	return reply.JSON(w, r, reply.CollectionOf(items))
}

func (a *API) format(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	f, ok := a.Registry.ByID(v.Get("id"))
	if !ok {
		return problem.FormatNotFound(strings.ToUpper(v.Get("id")))
	}
	return reply.JSON(w, r, formatOf(f))
}

func (a *API) ping(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	return reply.JSON(w, r, struct {
		Ping string `json:"ping"`
	}{"pong"})
}

func (a *API) serverInfo(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	return reply.JSON(w, r, struct {
		Version  string   `json:"version"`
		Settings settings `json:"settings"`
	}{a.Version, a.Settings})
}

// settings is a JSON object whose members keep their order.
type settings []Setting

// MarshalJSON writes the members in order.
func (s settings) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, setting := range s {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := reply.Encode(setting.Name)
		if err != nil {
			return nil, err
		}
		value, err := reply.Encode(setting.Value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func (a *API) sum(ctx context.Context, prefix string) (used int64, objects int, err error) {
	for object, err := range a.Slides.List(ctx, prefix) {
		if err != nil {
			return 0, 0, err
		}
		used += object.Size
		objects++
	}
	return used, objects, nil
}

type diskUsage struct {
	MountPoint          string      `json:"mount_point"`
	MountAvailable      int64       `json:"mount_available_size"`
	MountTotal          int64       `json:"mount_total_size"`
	MountUsed           int64       `json:"mount_used_size"`
	MountUsedPercentage reply.Float `json:"mount_used_size_percentage"`
	Used                int64       `json:"used_size"`
	UsedPercentage      reply.Float `json:"used_size_percentage"`
}

// writeUsage reports a part of the store. A bucket has no end; the configured
// capacity stands for it (pims-api §8.1).
func (a *API) writeUsage(w http.ResponseWriter, r *http.Request, part func(whole int64) (int64, error)) error {
	whole, err := a.usage.bytes(r.Context())
	if err != nil {
		return err
	}
	used, err := part(whole)
	if err != nil {
		return err
	}
	total := max(a.Limits.Capacity, whole)
	percent := func(n int64) reply.Float { return reply.Float(float64(n) / float64(total) * 100) }
	return reply.JSON(w, r, diskUsage{
		MountPoint: "/", MountAvailable: total - whole, MountTotal: total,
		MountUsed: whole, MountUsedPercentage: percent(whole), Used: used, UsedPercentage: percent(used),
	})
}

func (a *API) diskUsage(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	return a.writeUsage(w, r, func(whole int64) (int64, error) { return whole, nil })
}

func (a *API) directoryUsage(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.writeUsage(w, r, func(int64) (int64, error) {
		folder := strings.TrimSuffix(v.Get("d"), "/")
		id, _, err := slide.PathID(folder)
		if err != nil {
			return 0, problem.FilepathNotFound(v.Get("d"))
		}
		used, objects, err := a.sum(r.Context(), folder+"/")
		if err != nil || objects > 0 {
			return used, err
		}
		if folder != string(id) {
			if _, err := a.Slides.Stat(r.Context(), folder); err == nil {
				return 0, problem.NotADirectory(v.Get("d"))
			} else if fault.KindOf(err) != fault.NotFound {
				return 0, err
			}
		}
		return 0, problem.FilepathNotFound(v.Get("d"))
	})
}

// storageSize is read strictly by Cytomine core: a further member makes it fail.
func (a *API) storageSize(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	used, err := a.usage.bytes(r.Context())
	if err != nil {
		return err
	}
	total := max(a.Limits.Capacity, used)
	return reply.JSON(w, r, struct {
		Available int64       `json:"available"`
		Used      int64       `json:"used"`
		UsedP     reply.Float `json:"usedP"`
		Hostname  *string     `json:"hostname"`
		IP        *string     `json:"ip"`
		Mount     string      `json:"mount"`
	}{total - used, used, reply.Float(float64(used) / float64(total)), nil, nil, "/"})
}
