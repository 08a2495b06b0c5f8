package config

import (
	"fmt"
	"strings"
)

// Page is docs/configuration.md: every setting with its default and meaning.
// A test keeps the file in the repository equal to it.
func Page() (string, error) {
	cfg, err := Defaults()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(pageHead)
	b.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	for _, s := range cfg.Table() {
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		meaning := s.Meaning
		if s.Secret {
			meaning += " Secret: never shown."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, def, strings.ReplaceAll(meaning, "|", `\|`))
	}
	b.WriteString(pageFiles)
	b.WriteString("| PIMS' name | Meaning here |\n|---|---|\n")
	for _, a := range aliases {
		fmt.Fprintf(&b, "| `%s` | %s |\n", a.old, sentence(a.meaning))
	}
	fmt.Fprintf(&b, "\nThese settings of PIMS tune what does not exist here. They are accepted and have no effect; the log names those that are set at start: `%s`.\n",
		strings.Join(withoutMeaning, "`, `"))
	return b.String(), nil
}

const pageHead = `# Configuration

<!-- Written by "go test ./internal/config -run TestPage -update" from the env tags in the code. Do not edit. -->

No configuration is needed: the defaults serve a folder of slides on this machine. Settings are environment variables, or lines ` + "`NAME=value`" + ` of a dotenv file:

- ` + "`CONFIG_FILE`" + ` names the file; it must exist. Without it, ` + "`" + DefaultFile + "`" + ` in the working directory is read when it is there.
- The environment wins over the file. Names are read in any case, capitals first. An empty value means the default.
- All values that are wrong are reported at once, each with what is expected, and the program does not start.

` + "`pims config`" + ` prints this table with the values in force. Credentials, region and endpoint of S3 and SQS come from the AWS SDK's own variables (` + "`AWS_REGION`, `AWS_ENDPOINT_URL`" + ` …) and are never printed.

`

const pageFiles = `
Sizes are written ` + "`256MiB`, `2GB` or `1048576`" + `; times ` + "`500ms`, `30s`, `5m`" + `, and where seconds are meant also ` + "`30`" + `.

## Why HOST is 127.0.0.1

PIMS listens on all addresses by default. Here nothing but this machine can reach a program that was started without configuration, because access is not restricted then (` + "`AUTH=none`" + `) and slides are patients' data. Set ` + "`HOST=0.0.0.0`" + ` where ` + "`AUTH`" + `, or something else, controls the access; [security](security.md) has the ways.

## Logging per part

` + "`LOG_CONFIG_FILE`" + ` names a YAML file:

` + "```yaml" + `
level: info          # of every logger that is not named below
format: json         # text or json
loggers:
  access: warning    # a level alone
  import:            # or level and format
    level: debug
    format: text
` + "```" + `

Names are those in the ` + "`logger`" + ` member of each line. A name with dots takes what it does not say from the part before the last dot. Python's logging files, as PIMS has them, are read too: levels of ` + "`root`" + ` and ` + "`loggers`" + ` count, ` + "`pims.`" + ` before a name does not, handlers and formatters are ignored.

## PIMS' settings

Settings of PIMS with the same name in the table above mean the same. These mean another setting, which wins when both are set:

`
