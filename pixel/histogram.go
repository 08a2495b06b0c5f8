package pixel

// Histogram counts the values of every channel into 2^min(bits, 16) bins each
// (pims-api §4.12). Samples of more than 16 significant bits are counted by
// their upper 16; a value beyond the significant bits counts in the last bin.
// bits of 0 or beyond the type means the whole type. Kind Unsupported for
// signed and floating point rasters: convert them first.
func Histogram(r *Raster, bits int) ([][]uint64, error) {
	if r.Type != Uint8 && r.Type != Uint16 && r.Type != Uint32 {
		return nil, unsupportedType("counted", r.Type)
	}
	size := r.Type.Bytes()
	if bits <= 0 || bits > 8*size {
		bits = 8 * size
	}
	shift := max(bits-16, 0)
	bins := 1 << (bits - shift)
	counts := make([][]uint64, r.Samples)
	for c := range counts {
		counts[c] = make([]uint64, bins)
	}
	for y := range r.Height {
		row := r.Row(y)
		for c, count := range counts {
			switch {
			case r.Type == Uint8 && bins == 256:
				for i := c; i < len(row); i += r.Samples {
					count[row[i]]++
				}
			case r.Type == Uint16 && bins == 65536:
				for i := 2 * c; i < len(row); i += 2 * r.Samples {
					count[get16(row, i)]++
				}
			default:
				for i := c; i < len(row)/size; i += r.Samples {
					count[min(int(unsigned(row, i, size)>>shift), bins-1)]++
				}
			}
		}
	}
	return counts, nil
}
