package pims

import (
	"context"
	"net/http"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

type imageInfo struct {
	OriginalFormat    string       `json:"original_format"`
	Width             int          `json:"width"`
	Height            int          `json:"height"`
	Depth             int          `json:"depth"`
	Duration          int          `json:"duration"`
	PhysicalSizeX     *reply.Float `json:"physical_size_x"`
	PhysicalSizeY     *reply.Float `json:"physical_size_y"`
	PhysicalSizeZ     *reply.Float `json:"physical_size_z"`
	FrameRate         *reply.Float `json:"frame_rate"`
	NChannels         int          `json:"n_channels"`
	NConcreteChannels int          `json:"n_concrete_channels"`
	NSamples          int          `json:"n_samples"`
	NPlanes           int          `json:"n_planes"`
	AreRGBPlanes      bool         `json:"are_rgb_planes"`
	NDistinctChannels int          `json:"n_distinct_channels"`
	AcquiredAt        *string      `json:"acquired_at"`
	Description       *string      `json:"description"`
	PixelType         string       `json:"pixel_type"`
	SignificantBits   int          `json:"significant_bits"`
	Bits              int          `json:"bits"`
}

func imageOf(m *slide.Manifest) imageInfo {
	d := &m.Description
	samples := d.Samples
	if d.FileSamples > 0 {
		samples = d.FileSamples
	}
	return imageInfo{
		OriginalFormat: d.Format, Width: d.Width, Height: d.Height, Depth: d.Depth, Duration: d.Duration,
		PhysicalSizeX: reply.Rounded6(d.PhysicalSizeX), PhysicalSizeY: reply.Rounded6(d.PhysicalSizeY),
		PhysicalSizeZ: reply.Rounded6(d.PhysicalSizeZ), FrameRate: reply.Rounded6(d.FrameRate),
		NChannels: d.ConcreteChannels * samples, NConcreteChannels: d.ConcreteChannels, NSamples: samples,
		NPlanes: d.Planes(), AreRGBPlanes: d.Samples > 1, NDistinctChannels: 1,
		AcquiredAt: naive(d.AcquiredAt), Description: d.Text,
		PixelType: d.PixelType.String(), SignificantBits: d.SignificantBits, Bits: 8 * d.PixelType.Bytes(),
	}
}

// naive writes a time as Python does for one without zone: microseconds only
// when there are any.
func naive(t *time.Time) *string {
	if t == nil {
		return nil
	}
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	text := t.Format(layout)
	return &text
}

type instrumentInfo struct {
	Microscope struct {
		Model *string `json:"model"`
	} `json:"microscope"`
	Objective struct {
		Nominal    any          `json:"nominal_magnification"`
		Calibrated *reply.Float `json:"calibrated_magnification"`
	} `json:"objective"`
}

func instrumentOf(m *slide.Manifest) instrumentInfo {
	var out instrumentInfo
	out.Microscope.Model = m.Description.MicroscopeModel
	out.Objective.Nominal = reply.Whole(m.Description.NominalMagnification)
	out.Objective.Calibrated = reply.FloatOrNull(m.Description.CalibratedMagnification)
	return out
}

type channelInfo struct {
	Index         int          `json:"index"`
	SuggestedName *string      `json:"suggested_name"`
	Emission      *reply.Float `json:"emission_wavelength"`
	Excitation    *reply.Float `json:"excitation_wavelength"`
	Color         *string      `json:"color"`
}

func channelsOf(m *slide.Manifest) []channelInfo {
	out := make([]channelInfo, len(m.Description.Channels))
	for i, c := range m.Description.Channels {
		out[i] = channelInfo{
			Index: i, SuggestedName: textOrNull(c.Name), Color: textOrNull(c.Color),
			Emission: reply.Rounded6(c.EmissionNm), Excitation: reply.Rounded6(c.ExcitationNm),
		}
	}
	return out
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

type associatedInfo struct {
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	NChannels int    `json:"n_channels"`
	Name      string `json:"name"`
}

// associatedOf lists in PIMS' order: thumb, label, macro; the last two for whom
// may see labels.
func associatedOf(m *slide.Manifest, labels bool) []associatedInfo {
	out := []associatedInfo{}
	names := []string{"thumb", "label", "macro"}
	if !labels {
		names = names[:1]
	}
	for _, name := range names {
		for _, a := range m.Associated {
			if a.Name == name {
				out = append(out, associatedInfo{a.Width, a.Height, a.Samples, a.Name})
			}
		}
	}
	return out
}

type tierInfo struct {
	Zoom         int         `json:"zoom"`
	Level        int         `json:"level"`
	Width        int         `json:"width"`
	Height       int         `json:"height"`
	TileWidth    int         `json:"tile_width"`
	TileHeight   int         `json:"tile_height"`
	Downsampling reply.Float `json:"downsampling_factor"`
	NTiles       int         `json:"n_tiles"`
	NTX          int         `json:"n_tx"`
	NTY          int         `json:"n_ty"`
}

type pyramidInfo struct {
	NTiers int        `json:"n_tiers"`
	Tiers  []tierInfo `json:"tiers"`
}

func pyramidOf(tiers []render.Tier) pyramidInfo {
	out := pyramidInfo{NTiers: len(tiers), Tiers: make([]tierInfo, len(tiers))}
	for i, t := range tiers {
		factor := (float64(tiers[0].Width)/float64(t.Width) + float64(tiers[0].Height)/float64(t.Height)) / 2
		out.Tiers[i] = tierInfo{
			Zoom: len(tiers) - 1 - i, Level: i, Width: t.Width, Height: t.Height,
			TileWidth: t.TileWidth, TileHeight: t.TileHeight, Downsampling: reply.Float(factor),
			NTiles: t.Tiles(), NTX: t.Across(), NTY: t.Down(),
		}
	}
	return out
}

func normalisedOf(m *slide.Manifest) []render.Tier {
	return render.Normalised(m.Description.Width, m.Description.Height)
}

// fromManifest answers a JSON endpoint that needs nothing but the manifest.
func (a *API) fromManifest(w http.ResponseWriter, r *http.Request, v route.Vars, name string, make func(found) any) error {
	return a.withSlide(r, v, func(f found) error {
		return a.cachedJSON(w, r, f, name, func(context.Context) (any, error) { return make(f), nil })
	})
}

func (a *API) cachedJSON(w http.ResponseWriter, r *http.Request, f found, name string, make func(context.Context) (any, error)) error {
	return a.Cached.Write(w, r, reply.Answer{
		Identity:  identity(f.Slide, "json", name),
		MediaType: "application/json",
		Version:   f.Version(),
		Load: func(ctx context.Context) ([]byte, error) {
			v, err := make(ctx)
			if err != nil {
				return nil, err
			}
			return reply.Encode(v)
		},
	})
}

func (a *API) info(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	labels, name := seesLabels(r, "info")
	return a.fromManifest(w, r, v, name, func(f found) any {
		m := f.Manifest()
		return struct {
			Image           imageInfo        `json:"image"`
			Instrument      instrumentInfo   `json:"instrument"`
			Associated      []associatedInfo `json:"associated"`
			Channels        []channelInfo    `json:"channels"`
			Representations []representation `json:"representations"`
		}{imageOf(m), instrumentOf(m), associatedOf(m, labels), channelsOf(m), representationsOf(f.Slide)}
	})
}

func (a *API) infoImage(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.fromManifest(w, r, v, "image", func(f found) any { return imageOf(f.Manifest()) })
}

func (a *API) infoChannels(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.fromManifest(w, r, v, "channels", func(f found) any { return reply.CollectionOf(channelsOf(f.Manifest())) })
}

func (a *API) infoPyramid(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.fromManifest(w, r, v, "pyramid", func(f found) any { return pyramidOf(normalisedOf(f.Manifest())) })
}

func (a *API) infoInstrument(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.fromManifest(w, r, v, "instrument", func(f found) any { return instrumentOf(f.Manifest()) })
}

func (a *API) infoAssociated(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	labels, name := seesLabels(r, "associated")
	return a.fromManifest(w, r, v, name, func(f found) any { return reply.CollectionOf(associatedOf(f.Manifest(), labels)) })
}

// seesLabels tells whether the caller may see labels, and the name of the answer
// for such callers: it has another identity than that for the others.
func seesLabels(r *http.Request, name string) (labels bool, answer string) {
	if access.Of(r.Context()).May(access.Label) {
		return true, name
	}
	return false, name + " without labels"
}
