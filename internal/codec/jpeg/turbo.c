//go:build cgo

#include "turbo.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// Errors of libjpeg end in error_exit, which must not return: it jumps back to
// the guarded function. Every frame that the jump crosses is libjpeg's.
typedef struct {
	struct jpeg_error_mgr base;
	jmp_buf escape;
	pims_report *report;
	int strict;
	int result;
} guard;

static void on_error(j_common_ptr cinfo)
{
	guard *g = (guard *)cinfo->err;
	char text[JMSG_LENGTH_MAX];
	cinfo->err->format_message(cinfo, text);
	snprintf(g->report->message, sizeof g->report->message, "%s", text);
	int code = cinfo->err->msg_code;
	if (code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE)
		g->result = PIMS_MEMORY;
	else
		g->result = PIMS_BROKEN;
	longjmp(g->escape, 1);
}

// Warnings that mean pixels are missing or invented; the others are oddities
// of the headers.
static int is_damage(int code)
{
	return code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
		code == JWRN_ARITH_BAD_CODE || code == JWRN_BOGUS_PROGRESSION || code == JWRN_NOT_SEQUENTIAL;
}

static void on_message(j_common_ptr cinfo, int level)
{
	guard *g = (guard *)cinfo->err;
	if (level >= 0)
		return; // trace
	int code = cinfo->err->msg_code;
	g->report->warnings++;
	for (int i = 0; i < PIMS_WARNINGS; i++) {
		if (g->report->codes[i] == code)
			break;
		if (g->report->codes[i] == 0) {
			g->report->codes[i] = code;
			break;
		}
	}
	if (!is_damage(code))
		return;
	g->report->damage++;
	if (g->strict)
		on_error(cinfo);
}

static void on_output(j_common_ptr cinfo) { (void)cinfo; }

static struct jpeg_error_mgr *watch(guard *g, pims_report *report, int strict)
{
	memset(report, 0, sizeof *report);
	jpeg_std_error(&g->base);
	g->base.error_exit = on_error;
	g->base.emit_message = on_message;
	g->base.output_message = on_output;
	g->report = report;
	g->strict = strict;
	g->result = PIMS_BROKEN;
	return &g->base;
}

void pims_message(int32_t code, char *text, size_t size)
{
	struct jpeg_error_mgr err;
	jpeg_std_error(&err);
	text[0] = 0;
	if (code > 0 && code <= err.last_jpeg_message)
		snprintf(text, size, "%s", err.jpeg_message_table[code]);
}

// ---- source: one block of memory, then end of image markers for ever --------

static const JOCTET end_of_image[2] = { 0xFF, JPEG_EOI };

static void source_start(j_decompress_ptr cinfo) { (void)cinfo; }

static boolean source_fill(j_decompress_ptr cinfo)
{
	// The data has ended. An end marker lets the decoder finish: if it still
	// needed bits it says so itself (JWRN_HIT_MARKER), and a stream that merely
	// lacks its EOI loses nothing.
	cinfo->src->next_input_byte = end_of_image;
	cinfo->src->bytes_in_buffer = 2;
	return TRUE;
}

static void source_skip(j_decompress_ptr cinfo, long count)
{
	if (count <= 0)
		return;
	if ((size_t)count >= cinfo->src->bytes_in_buffer) {
		source_fill(cinfo);
		return;
	}
	cinfo->src->next_input_byte += count;
	cinfo->src->bytes_in_buffer -= count;
}

static void source_end(j_decompress_ptr cinfo) { (void)cinfo; }

static void source_set(struct jpeg_source_mgr *src, const uint8_t *data, size_t size)
{
	src->init_source = source_start;
	src->fill_input_buffer = source_fill;
	src->skip_input_data = source_skip;
	src->resync_to_restart = jpeg_resync_to_restart;
	src->term_source = source_end;
	src->next_input_byte = data;
	src->bytes_in_buffer = size;
}

// ---- decoding -----------------------------------------------------------------

typedef struct {
	struct jpeg_progress_mgr base;
	guard *guard;
	int max_scans;
} scan_counter;

static void on_progress(j_common_ptr cinfo)
{
	scan_counter *c = (scan_counter *)cinfo->progress;
	if (!cinfo->is_decompressor || ((j_decompress_ptr)cinfo)->input_scan_number <= c->max_scans)
		return;
	snprintf(c->guard->report->message, sizeof c->guard->report->message, "more than %d scans", c->max_scans);
	c->guard->result = PIMS_SCANS;
	longjmp(c->guard->escape, 1);
}

static void set_colours(j_decompress_ptr cinfo, const pims_decode_plan *plan)
{
	switch (plan->colour) {
	case PIMS_COLOUR_GREY: cinfo->jpeg_color_space = JCS_GRAYSCALE; break;
	case PIMS_COLOUR_RGB: cinfo->jpeg_color_space = JCS_RGB; break;
	case PIMS_COLOUR_YCBCR: cinfo->jpeg_color_space = JCS_YCbCr; break;
	case PIMS_COLOUR_CMYK: cinfo->jpeg_color_space = JCS_CMYK; break;
	case PIMS_COLOUR_YCCK: cinfo->jpeg_color_space = JCS_YCCK; break;
	}
	switch (plan->samples) {
	case 1: cinfo->out_color_space = JCS_GRAYSCALE; break;
	case 3: cinfo->out_color_space = JCS_RGB; break;
	default: cinfo->out_color_space = JCS_CMYK; break;
	}
}

#define ROWS 16

static void read_rows(j_decompress_ptr cinfo, uint8_t *dst, size_t stride)
{
	JSAMPROW rows[ROWS];
	while (cinfo->output_scanline < cinfo->output_height) {
		JDIMENSION n = cinfo->output_height - cinfo->output_scanline;
		if (n > ROWS)
			n = ROWS;
		for (JDIMENSION i = 0; i < n; i++)
			rows[i] = dst + (size_t)(cinfo->output_scanline + i) * stride;
		jpeg_read_scanlines(cinfo, rows, n);
	}
}

int pims_decode(const uint8_t *tables, size_t tables_size, const uint8_t *data, size_t data_size,
	uint8_t *dst, size_t stride, const pims_decode_plan *plan, pims_report *report)
{
	struct jpeg_decompress_struct cinfo;
	struct jpeg_source_mgr src;
	guard g;
	scan_counter counter;

	memset(&cinfo, 0, sizeof cinfo);
	cinfo.err = watch(&g, report, !plan->lenient);
	if (setjmp(g.escape)) {
		jpeg_destroy_decompress(&cinfo);
		return g.result;
	}
	jpeg_create_decompress(&cinfo);
	cinfo.mem->max_memory_to_use = (long)plan->max_memory;
	counter.base.progress_monitor = on_progress;
	counter.guard = &g;
	counter.max_scans = plan->max_scans;
	cinfo.progress = &counter.base;
	cinfo.src = &src;

	if (tables_size > 0) {
		source_set(&src, tables, tables_size);
		if (jpeg_read_header(&cinfo, FALSE) != JPEG_HEADER_TABLES_ONLY) {
			snprintf(report->message, sizeof report->message, "the tables contain an image");
			jpeg_destroy_decompress(&cinfo);
			return PIMS_BROKEN;
		}
	}
	source_set(&src, data, data_size);
	jpeg_read_header(&cinfo, TRUE);
	set_colours(&cinfo, plan);
	cinfo.scale_num = 1;
	cinfo.scale_denom = plan->scale;
	jpeg_calc_output_dimensions(&cinfo);
	// The buffer was made for the size that Go read from the same bytes; a
	// disagreement must never become a write beyond it.
	if (cinfo.output_width != (JDIMENSION)plan->width || cinfo.output_height != (JDIMENSION)plan->height ||
		cinfo.out_color_components != plan->samples) {
		snprintf(report->message, sizeof report->message, "%u x %u pixels of %d samples instead of %d x %d of %d",
			cinfo.output_width, cinfo.output_height, cinfo.out_color_components,
			plan->width, plan->height, plan->samples);
		jpeg_destroy_decompress(&cinfo);
		return PIMS_SHAPE;
	}
	jpeg_start_decompress(&cinfo);
	read_rows(&cinfo, dst, stride);
	// All rows are there; what follows the last one is of no interest.
	jpeg_destroy_decompress(&cinfo);
	return PIMS_OK;
}

// ---- encoding -----------------------------------------------------------------

typedef struct {
	struct jpeg_destination_mgr base;
	uint8_t *dst;
	size_t dst_size;
	uint8_t *overflow; // what did not fit into dst
	size_t overflow_size;
} sink;

static void sink_start(j_compress_ptr cinfo)
{
	sink *s = (sink *)cinfo->dest;
	s->base.next_output_byte = s->dst;
	s->base.free_in_buffer = s->dst_size;
}

static boolean sink_full(j_compress_ptr cinfo)
{
	sink *s = (sink *)cinfo->dest;
	size_t size = s->overflow_size == 0 ? 65536 : 2 * s->overflow_size;
	uint8_t *bigger = realloc(s->overflow, size);
	if (bigger == NULL) {
		cinfo->err->msg_code = JERR_OUT_OF_MEMORY;
		cinfo->err->msg_parm.i[0] = 0;
		on_error((j_common_ptr)cinfo);
	}
	s->base.next_output_byte = bigger + s->overflow_size;
	s->base.free_in_buffer = size - s->overflow_size;
	s->overflow = bigger;
	s->overflow_size = size;
	return TRUE;
}

static void sink_end(j_compress_ptr cinfo) { (void)cinfo; }

int pims_encode(const uint8_t *src, size_t stride, const pims_encode_plan *plan,
	uint8_t *dst, size_t dst_size, size_t *written, uint8_t **overflow, size_t *overflow_size, pims_report *report)
{
	struct jpeg_compress_struct cinfo;
	guard g;
	sink out;

	*written = 0;
	*overflow = NULL;
	*overflow_size = 0;
	memset(&out, 0, sizeof out);
	memset(&cinfo, 0, sizeof cinfo);
	cinfo.err = watch(&g, report, 0);
	if (setjmp(g.escape)) {
		jpeg_destroy_compress(&cinfo);
		free(out.overflow);
		return g.result;
	}
	jpeg_create_compress(&cinfo);
	out.base.init_destination = sink_start;
	out.base.empty_output_buffer = sink_full;
	out.base.term_destination = sink_end;
	out.dst = dst;
	out.dst_size = dst_size;
	cinfo.dest = &out.base;
	cinfo.image_width = plan->width;
	cinfo.image_height = plan->height;
	cinfo.input_components = plan->samples;
	cinfo.in_color_space = plan->samples == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&cinfo);
	jpeg_set_quality(&cinfo, plan->quality, TRUE);
	if (plan->samples == 3 && plan->full_colour) {
		cinfo.comp_info[0].h_samp_factor = 1;
		cinfo.comp_info[0].v_samp_factor = 1;
	}
	jpeg_start_compress(&cinfo, TRUE);
	while (cinfo.next_scanline < cinfo.image_height) {
		JSAMPROW rows[ROWS];
		JDIMENSION n = cinfo.image_height - cinfo.next_scanline;
		if (n > ROWS)
			n = ROWS;
		for (JDIMENSION i = 0; i < n; i++)
			rows[i] = (JSAMPROW)(src + (size_t)(cinfo.next_scanline + i) * stride);
		jpeg_write_scanlines(&cinfo, rows, n);
	}
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);
	if (out.overflow == NULL) {
		*written = dst_size - out.base.free_in_buffer;
	} else {
		*written = dst_size;
		*overflow = out.overflow;
		*overflow_size = out.overflow_size - out.base.free_in_buffer;
	}
	return PIMS_OK;
}
