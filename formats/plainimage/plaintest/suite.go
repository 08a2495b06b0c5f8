// Package plaintest holds the formats of plain images to what other programs
// make of the same files: metadata to exiftool, pixels to libvips. Tests only.
package plaintest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// Folder is how the files of a folder of ../shared/testdata are to be taken.
type Folder struct {
	Name string
	// NotThis are files of other formats, which Probe must refuse.
	NotThis []string
	// Refused are files of the format that are not read: the error's code.
	Refused map[string]string
	// LeftOut are exiftool's values that are left out on purpose.
	LeftOut []string
	// Mistaken are values that exiftool gets wrong.
	Mistaken []string
}

// Run opens every file of a folder, decodes all of its levels, compares its
// metadata with exiftool's, where that is installed, and runs the suite of all
// formats on what is accepted. Its pixels are compared with libvips' by the
// tables of docs/formats.md (package formats/all).
func Run(t *testing.T, format formats.Format, f Folder) {
	var accepted, other []formatstest.File
	shown := exiftool(testfiles.Shared(t, f.Name))
	for _, file := range formatstest.Folder(t, testfiles.Shared(t, f.Name)) {
		switch {
		case slices.Contains(f.NotThis, file.Name):
			other = append(other, file)
		case f.Refused[file.Name] != "":
			t.Run("refuses "+file.Name, func(t *testing.T) {
				_, err := format.Open(context.Background(), formatstest.NewBundle(file))
				if fault.CodeOf(err) != f.Refused[file.Name] {
					t.Errorf("Open gives %v (%s), expected code %s", err, fault.CodeOf(err), f.Refused[file.Name])
				}
			})
			other = append(other, formatstest.File{Name: "prefixed " + file.Name, Data: append([]byte("?"), file.Data...)})
		default:
			accepted = append(accepted, file)
			t.Run("reads "+file.Name, func(t *testing.T) {
				image := pixels(t, format, file)
				if want, ok := shown[file.Name]; ok {
					metadata(t, f, image, want)
				}
			})
		}
	}
	formatstest.Run(t, formatstest.Suite{Format: format, Accepts: some(accepted), Refused: other})
}

// Of the accepted files so many small ones are run through the suite of all
// formats, which breaks each in a hundred ways.
const (
	suiteFiles = 8
	suiteBytes = 64 << 10
)

func some(files []formatstest.File) []formatstest.File {
	var out []formatstest.File
	step := max(1, len(files)/suiteFiles)
	for i := 0; i < len(files); i += step {
		if len(files[i].Data) <= suiteBytes {
			out = append(out, files[i])
		}
	}
	return out
}

// pixels decodes all levels of a file.
func pixels(t *testing.T, format formats.Format, file formatstest.File) formats.Image {
	t.Helper()
	image, d, raster, err := Decode(format, file)
	if err != nil && image != nil && !canDecode(image) {
		return image // a build without libvips
	}
	if err != nil {
		t.Fatal(err)
	}
	shown := raster.Samples
	if shown%2 == 0 {
		shown--
	}
	if raster.Type != d.PixelType || shown != d.Samples {
		t.Errorf("decoded are %d × %s, described %d × %s", raster.Samples, raster.Type, d.Samples, d.PixelType)
	}
	for level := 1; level < len(d.Levels); level++ {
		if _, _, _, err := DecodeLevel(format, file, level); err != nil {
			t.Errorf("level %d of %d: %v", level, len(d.Levels), err)
		}
	}
	return image
}

func canDecode(image formats.Image) bool {
	for _, e := range image.(formats.TileLocator).Encodings() {
		if !codec.CanDecode(e) {
			return false
		}
	}
	return true
}

// Decode opens a file and decodes the tile of its finest level.
func Decode(format formats.Format, file formatstest.File) (formats.Image, *formats.Description, *pixel.Raster, error) {
	return DecodeLevel(format, file, 0)
}

// DecodeLevel opens a file and decodes the tile of a level.
func DecodeLevel(format formats.Format, file formatstest.File, level int) (formats.Image, *formats.Description, *pixel.Raster, error) {
	ctx := context.Background()
	image, err := format.Open(ctx, formatstest.NewBundle(file))
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := image.Describe(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	locator := image.(formats.TileLocator)
	extents, err := locator.Locate(ctx, level, formats.Plane{}, 0, 1)
	if err != nil {
		return nil, nil, nil, err
	}
	data, err := source.ReadAt(ctx, source.Bytes("", file.Data), extents[0].Offset, extents[0].Length)
	if err != nil {
		return nil, nil, nil, err
	}
	l := d.Levels[level]
	raster, err := codec.Decode(locator.Encodings()[l.Encoding], data, l.TileWidth, l.TileHeight)
	return image, d, raster, err
}

// metadata compares every value with exiftool's, and expects all that exiftool
// finds in the groups that are read in full.
func metadata(t *testing.T, f Folder, image formats.Image, want map[string]any) {
	t.Helper()
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		key := m.Namespace + "." + m.Key
		shown, ok := want[key]
		if !ok {
			t.Errorf("%s = %v is not known to exiftool", key, m.Value)
			continue
		}
		if !same(m.Value, shown) && !slices.Contains(f.Mistaken, key) {
			t.Errorf("%s is %v, exiftool shows %v", key, m.Value, shown)
		}
		delete(want, key)
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if ours(key) && !binaryValue(want[key]) && !slices.Contains(f.LeftOut, key) {
			t.Errorf("%s = %v is missing", key, want[key])
		}
	}
}

// same compares as shown: exiftool writes characters that are not UTF-8 as "?".
func same(got, want any) bool {
	a, aNumber := got.(float64)
	b, bNumber := want.(float64)
	if whole, ok := got.(int64); ok {
		a, aNumber = float64(whole), true
	}
	if aNumber && bNumber {
		return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b))
	}
	text := fmt.Sprint(want)
	return fmt.Sprint(got) == text || strings.Contains(text, "?")
}

// ours are the groups that are read in full.
func ours(key string) bool {
	for _, group := range []string{"FILE.", "JFIF.", "PNG.", "RIFF.", "EXIF.", "JPEG2000."} {
		if strings.HasPrefix(key, group) {
			return true
		}
	}
	return false
}

func binaryValue(v any) bool {
	text, ok := v.(string)
	return ok && strings.Contains(text, "use -b option to extract")
}

// exiftool gives exiftool's values of all files of a folder, by file name, as
// PIMS keeps them: group in capitals, dot, key; what it says of the file system
// is left out. nil when it is not installed.
func exiftool(folder string) map[string]map[string]any {
	command, err := exec.LookPath("exiftool")
	if err != nil {
		return nil
	}
	// It exits with 1 when one of the files is broken, and answers for the others.
	said, _ := exec.Command(command, "-All", "-s", "-G", "-j", "-u", "-e", folder).Output()
	var all []map[string]any
	if json.Unmarshal(said, &all) != nil {
		return nil
	}
	out := map[string]map[string]any{}
	for _, file := range all {
		values := map[string]any{}
		for key, value := range file {
			group, name, ok := strings.Cut(key, ":")
			if ok && group != "ExifTool" && group != "System" && !aboutFile(name) {
				values[strings.ToUpper(group)+"."+name] = value
			}
		}
		out[filepath.Base(fmt.Sprint(file["SourceFile"]))] = values
	}
	return out
}

func aboutFile(name string) bool {
	for _, prefix := range []string{"FileName", "Directory", "FileSize", "FileModify", "FileAccess", "FileInode", "FilePermissions", "FileType", "MIMEType", "CurrentIPTCDigest", "ThumbnailOffset"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Hostile does all that can be done with every file of a folder of broken ones,
// decoding included.
func Hostile(t *testing.T, format formats.Format, folder string) {
	for _, file := range formatstest.Folder(t, testfiles.Shared(t, folder)) {
		t.Run(file.Name, func(t *testing.T) {
			formatstest.Survives(t, format, file)
			_, d, _, err := Decode(format, file)
			for level := 1; d != nil && level < len(d.Levels) && err == nil; level++ {
				_, _, _, err = DecodeLevel(format, file, level)
			}
			if err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("decoding gives an error without a class: %v", err)
			}
		})
	}
}
