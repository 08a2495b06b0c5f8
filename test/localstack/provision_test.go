package localstack_test

import (
	"encoding/json"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// What the provisioning made is what infra/settings.json says, from which
// Terraform makes it on AWS.

func TestQueuesAreAsTheSettingsSay(t *testing.T) {
	c := connectTo(t)
	for key, want := range c.settings.Queues {
		got := c.attributes(t, want.Name)
		for name, text := range map[string]int{"VisibilityTimeout": want.Visibility, "MessageRetentionPeriod": want.Retention} {
			if got[name] != strconv.Itoa(text) {
				t.Errorf("queue %s: %s is %s, want %d", key, name, got[name], text)
			}
		}
		var redrive struct {
			DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
			MaxReceiveCount     json.Number `json:"maxReceiveCount"`
		}
		if err := json.Unmarshal([]byte(got["RedrivePolicy"]), &redrive); err != nil {
			t.Errorf("queue %s: %v: redrive policy %q", key, err, got["RedrivePolicy"])
		}
		if redrive.MaxReceiveCount.String() != strconv.Itoa(want.MaxReceive) {
			t.Errorf("queue %s: given up after %s deliveries, want %d", key, redrive.MaxReceiveCount, want.MaxReceive)
		}
		if dead := c.attributes(t, want.DeadLetterName)["QueueArn"]; dead != redrive.DeadLetterTargetArn {
			t.Errorf("queue %s: dead letters go to %s, want %s", key, redrive.DeadLetterTargetArn, dead)
		}
	}
}

func TestUploadsTellTheImportQueue(t *testing.T) {
	c := connectTo(t)
	uploads := c.settings.Storage.Uploads
	got, err := c.s3.GetBucketNotificationConfiguration(t.Context(),
		&s3.GetBucketNotificationConfigurationInput{Bucket: aws.String(c.name(uploads.Bucket))})
	if err != nil || len(got.QueueConfigurations) != 1 {
		t.Fatalf("%v: %+v, want one queue that is told", err, got)
	}
	q := got.QueueConfigurations[0]
	if want := c.attributes(t, c.settings.Queues["import"].Name)["QueueArn"]; aws.ToString(q.QueueArn) != want {
		t.Errorf("queue %s is told, want %s", aws.ToString(q.QueueArn), want)
	}
	var events []string
	for _, e := range q.Events {
		events = append(events, string(e))
	}
	if diff := cmp.Diff(uploads.Events, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	filters := map[string]string{"prefix": "", "suffix": ""}
	for _, rule := range q.Filter.Key.FilterRules {
		filters[strings.ToLower(string(rule.Name))] = aws.ToString(rule.Value)
	}
	if diff := cmp.Diff(map[string]string{"prefix": uploads.Prefix, "suffix": uploads.Suffix}, filters); diff != "" {
		t.Errorf("filter (-want +got):\n%s", diff)
	}
}

func TestFunctionsAreAsTheSettingsSay(t *testing.T) {
	c := connectTo(t)
	for name, want := range c.settings.Functions {
		var got struct {
			Timeout, MemorySize int
			EphemeralStorage    struct{ Size int }
			Environment         struct{ Variables map[string]string }
			State               string
		}
		c.lambda(t, "/2015-03-31/functions/"+c.name(name)+"/configuration", &got)
		if got.State != "Active" || got.Timeout != want.Timeout || got.MemorySize != want.Memory || got.EphemeralStorage.Size != want.Ephemeral {
			t.Errorf("function %s is %+v, want %+v", name, got, want)
		}
		environment := maps.Clone(got.Environment.Variables)
		maps.DeleteFunc(environment, func(name, _ string) bool { _, ours := want.Environment[name]; return !ours })
		if diff := cmp.Diff(overridden(want.Environment), environment); diff != "" {
			t.Errorf("environment of %s (-want +got):\n%s", name, diff)
		}
		if want.Queue == "" {
			var url struct{ AuthType string }
			if c.lambda(t, "/2021-10-31/functions/"+c.name(name)+"/url", &url); url.AuthType != "NONE" {
				t.Errorf("the address of %s asks for %q, want NONE", name, url.AuthType)
			}
			continue
		}
		c.checkMapping(t, name, want)
	}
}

// overridden is an environment with what PIMS_FUNCTION_X told the provisioning.
func overridden(environment map[string]string) map[string]string {
	out := maps.Clone(environment)
	for name := range out {
		if text, told := os.LookupEnv("PIMS_FUNCTION_" + name); told {
			out[name] = text
		}
	}
	return out
}

func (c *cloud) checkMapping(t *testing.T, name string, want functionSettings) {
	t.Helper()
	var got struct {
		EventSourceMappings []struct {
			EventSourceArn, State          string
			BatchSize                      int
			MaximumBatchingWindowInSeconds int
			FunctionResponseTypes          []string
			ScalingConfig                  struct{ MaximumConcurrency int }
		}
	}
	c.lambda(t, "/2015-03-31/event-source-mappings/?FunctionName="+c.name(name), &got)
	if len(got.EventSourceMappings) != 1 {
		t.Errorf("function %s has the event sources %+v, want one", name, got)
		return
	}
	m := got.EventSourceMappings[0]
	if queue := c.attributes(t, c.settings.Queues[want.Queue].Name)["QueueArn"]; m.EventSourceArn != queue || m.State != "Enabled" {
		t.Errorf("function %s is invoked for %s (%s), want %s", name, m.EventSourceArn, m.State, queue)
	}
	if m.BatchSize != want.BatchSize || m.MaximumBatchingWindowInSeconds != want.Window || m.ScalingConfig.MaximumConcurrency != want.Concurrency {
		t.Errorf("batches of %s are %+v, want %+v", name, m, want)
	}
	if diff := cmp.Diff([]string{"ReportBatchItemFailures"}, m.FunctionResponseTypes); diff != "" {
		t.Errorf("replies of %s (-want +got):\n%s", name, diff)
	}
}
