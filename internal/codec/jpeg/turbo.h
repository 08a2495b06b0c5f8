// A small, setjmp-guarded front of libjpeg-turbo. No function here calls back
// into Go, keeps state, or lets libjpeg end the process.
#ifndef PIMS_TURBO_H
#define PIMS_TURBO_H

#include <stddef.h>
#include <stdint.h>

// How the stream's components are read; the numbers agree with Go's `colour`.
enum { PIMS_COLOUR_MARKERS, PIMS_COLOUR_GREY, PIMS_COLOUR_RGB, PIMS_COLOUR_YCBCR, PIMS_COLOUR_CMYK, PIMS_COLOUR_YCCK };

// Results of the functions below.
enum { PIMS_OK, PIMS_BROKEN, PIMS_SHAPE, PIMS_MEMORY, PIMS_SCANS };

// The most distinct warnings that one call reports.
#define PIMS_WARNINGS 4

typedef struct {
	int32_t warnings;              // how many, all kinds together
	int32_t damage;                // of them, those about entropy coded data
	int32_t codes[PIMS_WARNINGS];  // message numbers of the first distinct ones, 0 none
	char message[200];             // of the error
} pims_report;

typedef struct {
	int32_t colour;
	int32_t scale;       // denominator
	int32_t width;       // of the result, checked before the first row
	int32_t height;
	int32_t samples;     // written per pixel: 1, 3 or 4
	int32_t lenient;
	int32_t max_scans;
	int64_t max_memory;  // bytes that libjpeg may hold
} pims_decode_plan;

// pims_decode writes height rows of width·samples bytes. dst must have
// (height−1)·stride + width·samples bytes.
int pims_decode(const uint8_t *tables, size_t tables_size, const uint8_t *data, size_t data_size,
	uint8_t *dst, size_t stride, const pims_decode_plan *plan, pims_report *report);

typedef struct {
	int32_t width, height, samples, quality, full_colour;
} pims_encode_plan;

// pims_encode writes a JPEG into dst, and what does not fit into memory of its
// own, which the caller releases with free(*overflow).
int pims_encode(const uint8_t *src, size_t stride, const pims_encode_plan *plan,
	uint8_t *dst, size_t dst_size, size_t *written, uint8_t **overflow, size_t *overflow_size, pims_report *report);

// pims_message writes the text of a libjpeg message number.
void pims_message(int32_t code, char *text, size_t size);

#endif
