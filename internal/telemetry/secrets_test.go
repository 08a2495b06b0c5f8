package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/telemetry"
)

func TestSecretsThatSomethingQuotesAreNotLogged(t *testing.T) {
	const secret = "S3cret-._~dY8Q8g26QJTfxBh9piYDAM6ARGZU2XAU"
	for _, row := range [][2]string{
		{"/image/a/info?grant=1.k.5.r.." + secret, "/image/a/info?grant=***"},
		{"/image/a/info%3Fgrant%3D1.k.5.r.." + secret + "&z=1", "/image/a/info%3Fgrant%3D***&z=1"},
		{"Cookie: a=b; pims_grant=" + secret + "; c=d", "Cookie: a=b; pims_grant=***; c=d"},
		{"https://s/b/k?X-Amz-Expires=900&X-Amz-Signature=" + secret + "&x-id=GetObject", "https://s/b/k?X-Amz-Expires=900&X-Amz-Signature=***&x-id=GetObject"},
		{"X-Amz-Security-Token=" + secret + "%2F%3D%3D&x=y", "X-Amz-Security-Token=***&x=y"},
		{"AWS4-HMAC-SHA256 Credential=id/20260101, Signature=" + secret + " is refused", "AWS4-HMAC-SHA256 Credential=id/20260101, Signature=*** is refused"},
		{"Authorization: Bearer " + secret, "Authorization: Bearer ***"},
		{"?access_token=" + secret + `"`, `?access_token=***"`},
		{"length=eyJhbGciOiJFZERTQSJ9.eyJhdWQiOiJwaW1zIn0." + strings.ReplaceAll(strings.ReplaceAll(secret, "~", ""), ".", "") + " is no number", "length=*** is no number"},
		{"it needs a grant, or a token as Authorization: Bearer; signature=", "it needs a grant, or a token as Authorization: Bearer; signature="},
		{"the upload eyJrIjoiYSJ9 is not under way", "the upload eyJrIjoiYSJ9 is not under way"},
	} {
		if got := telemetry.WithoutSecrets(row[0]); got != row[1] {
			t.Errorf("%s\nbecomes %s\nwant    %s", row[0], got, row[1])
		}
		for _, format := range []telemetry.Format{telemetry.Text, telemetry.JSON} {
			var out bytes.Buffer
			log, err := telemetry.NewLogger(telemetry.Config{Format: format}, &out)
			if err != nil {
				t.Fatal(err)
			}
			log.Error(row[0], "error", row[0])
			if strings.Contains(out.String(), "dY8Q8g26QJTfxBh9piYDAM6ARGZU2XAU") {
				t.Errorf("a line in %s has the secret: %s", format, out.String())
			}
		}
	}
}

func BenchmarkLineWithoutSecrets(b *testing.B) {
	log, err := telemetry.NewLogger(telemetry.Config{}, discard{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("method", "GET"),
			slog.String("path", "/image/upload-3cace6d0-41da-5260-9e10-e613ac15c921/a.svs/tile/level/0/ti/0.jpg"),
			slog.Int("status", 200), slog.Float64("ms", 0.25), slog.Int64("sent", 18000), slog.String("cache", "HIT"))
	}
}

// discard is no io.Discard, which slog would know.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
