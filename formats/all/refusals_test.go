package all_test

import "maps"

// refusals are the files of the collection that are not read, and a part of
// the code and sentence that is told. "the file is …" stands for files that no
// format recognises.
func refusals() map[string]string {
	out := map[string]string{
		"jpeg/1px.ljp": "jpeg-process", "jpeg/2dht.ljp": "jpeg-process", "jpeg/linearraw.ljp": "jpeg-process", "jpeg/testimg_rgb.jpg": "jpeg-process",
		"jpeg/gray.u2.jpg": "jpeg-precision", "jpeg/rgba.u1.jls": "jpeg-ls",
		"bmp/issue982.bmp": "bmp-masks", "bmp/rgb24jpeg.bmp": "bmp-embedded", "bmp/rgb24png.bmp": "bmp-embedded",
		"jp2/byte.jph": "no-matching-format", "jp2/p0_13.j2k": "jpeg2000-components",
	}
	// Plain (P1 to P3) and arbitrary (P7) maps are not accepted (pims-api §5.2).
	for _, name := range []string{"colors.ppm", "feep.pgm", "feep16.pgm", "hopper_1bit_plain.pbm", "j.pbm", "rgba.pam", "snail2.pam"} {
		out["pnm/"+name] = "no-matching-format"
	}
	for _, name := range []string{"00r1_graya_la.jp2", "a4_colr.j2c", "a6_mono_colr.j2c", "p0_10.j2k", "subsampling_2.jp2"} {
		out["jp2/"+name] = "jpeg2000-sampling"
	}
	for _, name := range []string{"Bretagne2_4.j2k", "b1_mono.j2c", "b2_mono.j2c", "b3_mono.j2c", "e1_colr.j2c", "p1_01.j2k", "p1_07.j2k"} {
		out["jp2/"+name] = "jpeg2000-offset"
	}
	maps.Copy(out, dicomRefusals())
	maps.Copy(out, tiffRefusals())
	return out
}

// uncompared are files that the independent reader does not read, or takes for
// something else: the reason.
func uncompared() map[string]string {
	return map[string]string{
		"jpeg/rgba.u1.jpg":        "four components without an Adobe marker, whose ink libvips takes for inverted all the same",
		"bmp/QuPath-Fiji.bmp":     "libvips (ImageMagick) takes the fourth byte for alpha, which the header does not say; Pillow does not",
		"bmp/rgba16-4444.bmp":     "libvips (ImageMagick) shifts samples of 4 bits instead of scaling them: its white is 240",
		"jp2/p0_03.j2k":           "its samples are signed",
		"jp2/ycbc.j2k":            "libvips shows colour differences as red, green and blue; Pillow agrees with us",
		"bigtiff/sparse.tiff":     "none of its tiles is stored: they are shown as white glass, which tifffile fills with 0",
		"own/svs/blank-tiles.svs": "OpenSlide leaves out on the coarser level what is not stored of the finest, though the coarser level has it",
	}
}

// tiffRefusals are those of the folders of TIFF files.
func tiffRefusals() map[string]string {
	const oldJPEG = "tiff-old-jpeg"
	refused := map[string]string{
		"tiff/compression.tif":                      "tiff-fax: strips are compressed with CCITTRLE",
		"tiff/cmyk-3c-32b-float.tiff":               "tiff-colours",
		"tiff/fax2d.tif":                            "tiff-fax-damaged",
		"tiff/gray.c16.tif":                         "128 bits of format 6",
		"tiff/gray.depth.deflate.u1.tif":            "tiff-image-depth: ImageDepth is 5",
		"tiff/gray.i8.tif":                          "64 bits of format 2",
		"tiff/gray.lzma.u1.tif":                     "compressed with LZMA",
		"tiff/gray.one.i8.tif":                      "64 bits of format 2",
		"tiff/gray.one.u8.tif":                      "64 bits of format 1",
		"tiff/gray.u8.tif":                          "64 bits of format 1",
		"tiff/group3_2d_lsb2msb.tif":                "tiff-fax-2d",
		"tiff/jpeg-lossless-8bit-gray.tif":          "process SOF3",
		"tiff/lab.tif":                              "PhotometricInterpretation is CIELAB",
		"tiff/off_luv32.tif":                        "compressed with SGILOG",
		"tiff/quad-lzw-compat.tiff":                 "LZW of before TIFF 6.0",
		"tiff/random-fp16-pred3.tiff":               "tiff-half-predictor",
		"tiff/rgb.tiled.jpeg.u2.tif":                "12 bits of format 1",
		"tiff/rgb.tiled.lerc.u1.tif":                "compressed with LERC",
		"tiff/text.tif":                             "compressed with THUNDERSCAN",
		"tiff/tif-rgba-1res-64x56x8-tiled-jpeg.tif": "tiff-jpeg-samples",
		"ome-tiff/rand_uint16.ome.tiff":             "12 bits of format 1",
	}
	for _, name := range []string{
		"WangJPEG.tif", "grayscale-old-style-jpeg.tiff", "old-style-jpeg-compression-no-samplesperpixel.tif",
		"old-style-jpeg-no-jpeginterchangeformatlength.tif", "smallliz.tif", "zackthecat.tif",
	} {
		refused["tiff/"+name] = oldJPEG
	}
	for _, name := range []string{
		"planar-yuv410-jpeg-lzw.tif", "planar-yuv410-jpeg-uncompressed.tif", "planar-yuv420-jpeg-lzw.tif",
		"planar-yuv422-bt601-lzw.tif", "planar-yuv422-bt601-uncompressed.tif",
	} {
		refused["tiff/"+name] = "tiff-separate-colours"
	}
	return refused
}

// dicomRefusals are those of the folder of DICOM files.
func dicomRefusals() map[string]string {
	out := map[string]string{"dicom/GH1146.dcm": "dicom-pixels", "dicom/GH178.dcm": "dicom-no-pixels", "dicom/chrKoreanMulti.dcm": "dicom-no-pixels"}
	for _, name := range []string{"GH340", "JLSL_RGB_ILV2", "OT-MONO2-8-colon"} { // no mark at byte 128
		out["dicom/"+name+".dcm"] = "no-matching-format"
	}
	for _, name := range []string{"liver_j2k", "liver_rle"} { // single bits, compressed
		out["dicom/"+name+".dcm"] = "dicom-samples"
	}
	for _, name := range []string{
		"HTJ2KLossless_08_RGB", "JLSL_08_07_0_1F", "JLSL_16_15_1_1F", "JPEGLSNearLossless_08", "SC_rgb_jls_lossy_line", "emri_small_jpeg_ls_lossless", "jpeg-ls-Palette", // JPEG-LS
		"liver_deflate",
	} {
		out["dicom/"+name+".dcm"] = "dicom-transfer-syntax"
	}
	return out
}
